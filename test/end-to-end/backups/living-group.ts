import { randomUUID } from 'node:crypto';
import {
  hasCode,
  JobRegistry,
  type LeadingTerm,
  ReplicatedLog,
  type TenureClient,
  termFromEnvironment,
} from '../../../client/index.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import type { LogContent } from './group-content.ts';

export const logNames = ['alpha', 'beta'];
/** The job whose checkpoints are committed all the time. */
export const busyJob = 'busy';

/** A group that its leader writes to, and what was acknowledged to it. */
export interface LivingGroup {
  readonly group: string;
  readonly fencingVersion: number;
  /** Commits of the busy job so far. */
  commits(): number;
  /** A log when `end` was its last position. */
  logAt(log: string, end: number): LogContent;
  /** Keeps writing to both logs and the busy job until it is called again. */
  goOn(): () => Promise<void>;
}

/** A group with jobs in all states, with checkpoints and savepoints, and two logs of which one was truncated. */
export async function openLivingGroup(client: TenureClient, group = `living-${randomUUID().slice(0, 8)}`) {
  const { fencingVersion, sessionId } = await client.contend(group, { contenderId: 'leader', leaseMs: 300_000 });
  const term = termFromEnvironment({
    TENURE_GROUP: group,
    TENURE_SESSION_ID: sessionId,
    TENURE_FENCING_VERSION: `${fencingVersion}`,
  });
  const registry = new JobRegistry({ client, term });
  const logs = new Map(logNames.map((log) => [log, recordedLog(client, group, log, term)]));
  await Promise.all([...logs.values()].map((log) => log.create()));

  await registry.submit('fresh', Buffer.from('a graph'), { metadata: { of: 'fresh' } });
  const steady = await registry.submit('steady', Buffer.from('another graph'), { retain: 3 });
  for (const number of [1, 2, 3, 4]) await steady.add(Buffer.from(`state ${number} `.repeat(number * 5_000)));
  await steady.addSavepoint(Buffer.from('kept'), { metadata: { why: 'release' } });
  await steady.add(Buffer.from(''));
  const ended = await registry.submit('ended', Buffer.from('its graph'));
  await ended.add(Buffer.from('its last state'));
  await ended.addSavepoint(Buffer.from('its savepoint'));
  await registry.finish('ended', 'failed', { detail: 'the disk was full' });
  await registry.submit('done', Buffer.from('a short one'));
  await registry.finish('done', 'succeeded');
  const busy = await registry.submit(busyJob, Buffer.from('a graph'), { retain: 2 });
  for (const log of logs.values()) for (let at = 0; at < 5; at += 1) await log.append(10);
  await logs.get('alpha')?.truncate(20);

  let commits = 0;
  const commit = async () => {
    await busy.add(Buffer.from(busyState(commits + 1)));
    commits += 1;
  };
  await commit();
  const living: LivingGroup = {
    group,
    fencingVersion,
    commits: () => commits,
    logAt: (log, end) => logs.get(log)?.at(end) ?? { begin: 0, end: 0, entries: new Map() },
    goOn: () => keepWriting([...logs.values()], commit),
  };
  return living;
}

/** The content of the busy job's n-th checkpoint. */
export const busyState = (number: number): string => `${busyJob} ${number}`;

function keepWriting(logs: readonly RecordedLog[], commit: () => Promise<void>): () => Promise<void> {
  const random = seededRandom(5);
  let going = true;
  const writers = [
    ...logs.map(async (log) => {
      while (going) {
        await log.append(random.integer(1, 8));
        if (random.chance(0.1)) await log.truncate(random.integer(log.begin(), log.end()));
      }
    }),
    (async () => {
      while (going) await commit();
    })(),
  ];
  return async () => {
    going = false;
    await Promise.all(writers);
  };
}

/** On a busy machine an election may come between the parts of a request: then the log holds what this says of it. */
function keptIn(error: unknown): { index: number; position: number }[] {
  if (!hasCode(error, 'exclusivity_lost')) throw error;
  return error.members['kept'] as { index: number; position: number }[];
}

type RecordedLog = ReturnType<typeof recordedLog>;

/** A log, and what its writer was told of it. */
function recordedLog(client: TenureClient, group: string, log: string, term: LeadingTerm) {
  const replicated = new ReplicatedLog({ client, group, log });
  const writer = replicated.writer({ term });
  const appended = new Map<number, string>();
  const truncated: { position: number; to: number }[] = [];
  let end = 0;
  return {
    create: () => replicated.create(),
    begin: () => truncated.at(-1)?.to ?? 0,
    end: () => end,

    async append(count: number) {
      const texts = Array.from({ length: count }, () => `${log} ${randomUUID()}`);
      const positions = await writer
        .append(texts)
        .then(({ first }) => texts.map((_, index) => ({ index, position: first + index })), keptIn);
      for (const { index, position } of positions) {
        appended.set(position, texts[index] as string);
        end = Math.max(end, position);
      }
    },

    async truncate(to: number) {
      // A backup that reads these positions refuses the truncation.
      const [done] = await writer.truncate(to).then(
        (answer) => [answer],
        (error: unknown) => (hasCode(error, 'truncation_held') ? [] : keptIn(error)),
      );
      if (!done) return;
      truncated.push({ position: done.position, to });
      end = done.position;
    },

    at(last: number): LogContent {
      const begin = Math.max(0, ...truncated.filter(({ position }) => position <= last).map(({ to }) => to));
      const entries = new Map([...appended].filter(([position]) => position >= begin && position <= last));
      return { begin, end: last, entries };
    },
  };
}
