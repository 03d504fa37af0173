import * as schema from '../../../api/operations/log.ts';
import { instant } from '../../platform/clock.ts';
import { fromCursor, toCursor } from '../../platform/cursor.ts';
import { Answer, type Endpoint, endpoint } from '../../platform/http.ts';
import { logPrefix } from '../dynamodb/keys.ts';
import { positions } from '../protocol/reader.ts';
import type { RegisteredLog } from '../protocol/registry.ts';
import * as logs from './logs.ts';
import * as replicas from './replicas.ts';
import { type LogStatus, status, statuses } from './status.ts';

/** Base64 makes four of three: so a page stays below 4 MiB. */
const pageBytes = 3 * 1024 ** 2;

const shown = ({ log, autoInitialize, createdAt }: RegisteredLog) => ({
  log,
  autoInitialize,
  createdAt: instant(createdAt),
});

const shownStatus = (status: LogStatus) => {
  const { begin, end, quorum, voting, replicas } = status;
  return { ...shown(status), begin, end, quorum, voting, replicas: [...replicas] };
};

export function logRoutes(room: replicas.Replicas): Endpoint[] {
  return [
    endpoint(schema.createLog, async ({ params, body: { autoInitialize = true } }) => {
      const { created, log } = await room.registry.create({ ...params, autoInitialize, createdAt: Date.now() });
      const seen = await positions(room.parts(params.group, params.log));
      await replicas.recoverAll(room, params, log.autoInitialize, seen.replicas);
      return new Answer(created ? 201 : 200, shown(log));
    }),
    endpoint(schema.listLogs, async ({ params, query }) => {
      const after =
        query.cursor === undefined ? undefined : fromCursor(query.cursor, logPrefix).slice(logPrefix.length);
      const page = await room.registry.list(params.group, after, query.limit);
      const items = (await statuses(room, page.items)).map(shownStatus);
      return { items, ...(page.last === undefined ? {} : { nextCursor: toCursor(`${logPrefix}${page.last}`) }) };
    }),
    endpoint(schema.showLog, async ({ params }) => shownStatus(await status(room, await logs.known(room, params)))),
    endpoint(schema.electWriter, ({ params, fence }) => logs.electWriter(room, params, fence)),
    endpoint(schema.appendEntries, ({ params, headers, body, requestId }) => {
      const entries = body.entries.map((text) => Buffer.from(text, 'base64'));
      return logs.appendEntries(room, { ...params, writerId: headers['Log-Writer'], key: requestId }, entries);
    }),
    endpoint(schema.truncateLog, ({ params, headers, body, requestId }) =>
      logs.truncate(room, { ...params, writerId: headers['Log-Writer'], key: requestId }, body.to),
    ),
    endpoint(schema.readEntries, async ({ params, query }) => {
      const { items, ...rest } = await logs.read(room, params, { ...query, maxBytes: pageBytes });
      return {
        items: items.map(({ position, data }) => ({ position, data: Buffer.from(data).toString('base64') })),
        ...rest,
      };
    }),
    endpoint(schema.initializeReplica, ({ params, body: { force = false } }) =>
      replicas.initializeReplica(room, params, force),
    ),
    endpoint(schema.recoverReplica, ({ params, body: { force = false } }) =>
      replicas.recoverReplica(room, params, force),
    ),
    endpoint(schema.cancelRecovery, ({ params }) => replicas.cancelRecovery(room, params)),
    endpoint(schema.catchUpReplica, ({ params }) => replicas.catchUpReplica(room, params)),
  ];
}
