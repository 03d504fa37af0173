/**
 * The operations of the contract over the logs of a group, whatever carries them: the service answers HTTP requests
 * with them, a client in direct mode calls them in its own process.
 */
import * as schema from '../api/operations/log.ts';
import * as replicaSchema from '../api/operations/log-replicas.ts';
import { type Performed, perform } from '../leadership/performed.ts';
import { fromCursor, toCursor } from '../store/cursor.ts';
import { logPrefix } from './dynamodb/keys.ts';
import { createLog, deleteLog } from './log-life.ts';
import type { LogRoom } from './log-room.ts';
import * as logs from './logs.ts';
import { changeMembers, type MemberService } from './members.ts';
import { found } from './protocol/founding.ts';
import type { RegisteredLog } from './protocol/registry.ts';
import { getLogOrThrow, type LogName } from './registered-log.ts';
import { lookAt, missingVotes } from './replica-watch.ts';
import * as replicas from './replicas.ts';
import { status, statuses } from './status.ts';
import { toLogView, toPlain, toStatusView } from './views.ts';

/** Base64 makes four of three: so a page stays below 4 MiB. */
const pageBytes = 3 * 1024 ** 2;

/** The share of a request's 29 s that its steps may use. */
const requestMs = 24_000;

/** Everything that the operations are carried out with. */
export type LogService = MemberService & Pick<LogRoom, 'create' | 'mostLogs'>;

/** Lets a fresh log take entries at once. Otherwise recovery begins here for one replica, and by the sweep for all. */
async function begin(room: LogService, log: RegisteredLog): Promise<void> {
  const parts = room.partsOf(log);
  const findMissing = async () => missingVotes(await lookAt(parts), true);
  if ((await findMissing()).length === 0) return;
  await found(parts);
  const reachable = (await findMissing()).filter(({ status }) => status !== 'UNREACHABLE');
  await replicas.recoverAll(room, log, true, reachable.slice(0, 1));
}

/** Creates a log and founds it, or returns the existing one. */
export async function createAndFound(room: LogService, name: LogName, autoInitialize: boolean) {
  const { created, log } = await createLog(room, name, autoInitialize);
  if (log.autoInitialize) await begin(room, log);
  return { created, view: toLogView(log) };
}

export function logOperations(room: LogService): Performed[] {
  return [
    perform(
      schema.createLog,
      async ({ params, body: { autoInitialize = true } }) => (await createAndFound(room, params, autoInitialize)).view,
    ),
    perform(schema.deleteLog, async ({ params, fence }) => {
      await deleteLog(room, params, fence, requestMs);
      return {};
    }),
    perform(replicaSchema.changeReplicas, async ({ params, body }) => {
      const changed = await changeMembers(room, params, body, requestMs);
      return { ...changed, configuration: toPlain(changed.configuration) };
    }),
    perform(replicaSchema.listReplicaTables, async () => ({ items: [...(await room.tables())] })),
    perform(schema.listLogs, async ({ params, query }) => {
      const after =
        query.cursor === undefined ? undefined : fromCursor(query.cursor, logPrefix).slice(logPrefix.length);
      const page = await room.registry.list(params.group, after, query.limit);
      const items = (await statuses(room, page.items)).map(toStatusView);
      return { items, ...(page.last === undefined ? {} : { nextCursor: toCursor(`${logPrefix}${page.last}`) }) };
    }),
    perform(schema.showLog, async ({ params }) =>
      toStatusView(await status(room, await getLogOrThrow(room.registry, params))),
    ),
    perform(schema.electWriter, ({ params, fence }) => logs.electWriter(room, params, fence)),
    perform(schema.appendEntries, ({ params, headers, body, requestId }) => {
      const entries = body.entries.map((text) => Buffer.from(text, 'base64'));
      return logs.appendEntries(room, { ...params, writerId: headers['Log-Writer'], key: requestId }, entries);
    }),
    perform(schema.truncateLog, ({ params, headers, body, requestId }) =>
      logs.truncate(room, { ...params, writerId: headers['Log-Writer'], key: requestId }, body.to),
    ),
    perform(schema.readEntries, async ({ params, query }) => {
      const { items, ...rest } = await logs.read(room, params, { ...query, maxBytes: pageBytes });
      return {
        items: items.map(({ position, data }) => ({ position, data: Buffer.from(data).toString('base64') })),
        ...rest,
      };
    }),
    perform(replicaSchema.initializeReplica, ({ params, body: { force = false } }) =>
      replicas.initializeReplica(room, params, force),
    ),
    perform(replicaSchema.recoverReplica, ({ params, body: { force = false } }) =>
      replicas.recoverReplica(room, params, force),
    ),
    perform(replicaSchema.cancelRecovery, ({ params }) => replicas.cancelRecovery(room, params)),
    perform(replicaSchema.catchUpReplica, ({ params }) => replicas.catchUpReplica(room, params)),
  ];
}
