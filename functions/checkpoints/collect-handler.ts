import type { Context } from 'aws-lambda';
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import { payloadPrefix } from '../jobs/upload.ts';
import { instant } from '../platform/clock.ts';
import { fromCursor, toCursor } from '../platform/cursor.ts';
import { endpoint, serve } from '../platform/http.ts';
import { logger } from '../platform/logging.ts';
import { collectAll, collectPage } from './collector.ts';
import { checkpointRoom } from './room.ts';
import { collectOrphans } from './schema.ts';

const room = checkpointRoom();

const collect = endpoint(collectOrphans, async ({ params: { group }, body: { dryRun, cursor } }) => {
  const after = cursor === undefined ? undefined : fromCursor(cursor, `${payloadPrefix}${group}/jobs/`);
  const { orphans, scanned, held, next } = await collectPage(room, { group, after, dryRun });
  const collected = orphans.map(({ modifiedAt, ...rest }) => ({ ...rest, modifiedAt: instant(modifiedAt) }));
  return { collected, scanned, held, graceMs: room.graceMs, ...(next ? { nextCursor: toCursor(next) } : {}) };
});
const serveHttp = handle(serve([collect]));

/** Called by the API for one group, and by the schedule every hour for all. */
export async function handler(event: LambdaEvent | { slot: string }, context: Context) {
  if (!('slot' in event)) return serveHttp(event, context as unknown as LambdaContext);
  const run = await collectAll(room, () => context.getRemainingTimeInMillis());
  logger.info('collected', { ...run });
  return undefined;
}
