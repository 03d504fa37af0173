import * as schema from '../../../api/operations/log.ts';
import * as replicaSchema from '../../../api/operations/log-replicas.ts';
import { instant } from '../../../store/clock.ts';
import { fromCursor, toCursor } from '../../../store/cursor.ts';
import { Answer, type Endpoint, endpoint } from '../../platform/http.ts';
import { logPrefix } from '../dynamodb/keys.ts';
import type { LogRoom } from '../environment.ts';
import type { Configuration } from '../protocol/configuration.ts';
import { found } from '../protocol/founding.ts';
import type { RegisteredLog } from '../protocol/registry.ts';
import { getLogOrThrow } from '../registered-log.ts';
import { createLog, deleteLog } from './log-life.ts';
import * as logs from './logs.ts';
import { changeMembers, type MemberService } from './members.ts';
import { lookAt, missingVotes } from './replica-watch.ts';
import * as replicas from './replicas.ts';
import { type LogStatus, status, statuses, waitsFor } from './status.ts';

/** Base64 makes four of three: so a page stays below 4 MiB. */
const pageBytes = 3 * 1024 ** 2;

const toLogView = ({ log, autoInitialize, createdAt }: RegisteredLog) => ({
  log,
  autoInitialize,
  createdAt: instant(createdAt),
});

/** The share of its Lambda's 29 s that a request may use. */
const requestMs = 24_000;

/** Without what makes it read-only. */
const toPlain = ({ version, replicas, next }: Configuration) => ({
  version,
  replicas: [...replicas],
  ...(next && { next: { ...next, replicas: [...next.replicas] } }),
});

const toStatusView = (status: LogStatus) => {
  const { begin, end, quorum, voting, replicas } = status;
  const configuration = toPlain(status.configuration);
  const views = replicas.map((one) => {
    const { restoring: _, ...replica } = one;
    const reason = waitsFor(one, status);
    return reason === undefined ? replica : { ...replica, waitsFor: reason };
  });
  return { ...toLogView(status), begin, end, quorum, voting, configuration, replicas: views };
};

/** Dependencies of the routes, in addition to those of replicas. */
export type LogService = MemberService & Pick<LogRoom, 'create' | 'mostLogs'>;

/** Lets a fresh log take entries at once. Otherwise recovery begins here for one replica, and by the sweep for all. */
async function begin(room: LogService, log: RegisteredLog): Promise<void> {
  const parts = room.partsOf(log);
  const missing = async () => missingVotes(await lookAt(parts), true);
  if ((await missing()).length === 0) return;
  await found(parts);
  const reachable = (await missing()).filter(({ status }) => status !== 'UNREACHABLE');
  await replicas.recoverAll(room, log, true, reachable.slice(0, 1));
}

export function logRoutes(room: LogService): Endpoint[] {
  return [
    endpoint(schema.createLog, async ({ params, body: { autoInitialize = true } }) => {
      const { created, log } = await createLog(room, params, autoInitialize);
      if (log.autoInitialize) await begin(room, log);
      return new Answer(created ? 201 : 200, toLogView(log));
    }),
    endpoint(schema.deleteLog, async ({ params, fence }) => {
      await deleteLog(room, params, fence, requestMs);
      return {};
    }),
    endpoint(replicaSchema.changeReplicas, async ({ params, body }) => {
      const changed = await changeMembers(room, params, body, requestMs);
      return { ...changed, configuration: toPlain(changed.configuration) };
    }),
    endpoint(replicaSchema.listReplicaTables, async () => ({ items: [...(await room.tables())] })),
    endpoint(schema.listLogs, async ({ params, query }) => {
      const after =
        query.cursor === undefined ? undefined : fromCursor(query.cursor, logPrefix).slice(logPrefix.length);
      const page = await room.registry.list(params.group, after, query.limit);
      const items = (await statuses(room, page.items)).map(toStatusView);
      return { items, ...(page.last === undefined ? {} : { nextCursor: toCursor(`${logPrefix}${page.last}`) }) };
    }),
    endpoint(schema.showLog, async ({ params }) =>
      toStatusView(await status(room, await getLogOrThrow(room.registry, params))),
    ),
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
    endpoint(replicaSchema.initializeReplica, ({ params, body: { force = false } }) =>
      replicas.initializeReplica(room, params, force),
    ),
    endpoint(replicaSchema.recoverReplica, ({ params, body: { force = false } }) =>
      replicas.recoverReplica(room, params, force),
    ),
    endpoint(replicaSchema.cancelRecovery, ({ params }) => replicas.cancelRecovery(room, params)),
    endpoint(replicaSchema.catchUpReplica, ({ params }) => replicas.catchUpReplica(room, params)),
  ];
}
