/**
 * AWS throttles three of ten requests and invocations, for ten minutes in the whole size: nothing that was promised is
 * lost, and nothing stays stuck. On a stack of its own, whose functions are held to their roles.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackup, getBackup, shareBackup } from '../../../api/operations/backups.ts';
import { getRestore, startRestore } from '../../../api/operations/restore.ts';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { JobRegistry, ReplicatedLog, TenureClient, termFromEnvironment } from '../../../client/index.ts';
import { sizes } from '../../sizes.ts';
import { embeddedMetricsIn } from '../../support/embedded-metrics.ts';
import { createReplicaTable, deleteTable } from '../../support/log/tables.ts';
import { localDocuments } from '../../support/main-table.ts';
import { fireSchedule, order, type RunningStack, refusals, startStack } from '../../support/stack.ts';
import { contentOf } from '../backups/group-content.ts';
import { standby } from '../backups/standby.ts';
import { delivered } from '../events/delivered.ts';
import { eventually } from '../leadership/tenure.ts';
import { whenVoting } from '../log/logs.ts';

let stack: RunningStack;
let client: TenureClient;

beforeAll(async () => {
  stack = await startStack({ schedules: false, enforceRoles: true });
  // A caller repeats each request until it knows the outcome.
  client = new TenureClient({ url: stack.api, deadlineMs: 300_000 });
});
afterAll(() => stack?.stop());

const minute = () => fireSchedule(stack, /minute/);
/** In the storm each step of a workflow may wait for a minute before it is tried again: some take until it is over. */
const withinMs = sizes.storm.seconds * 1_000 + 240_000;

/** A term, jobs with checkpoints and a log: all of it was acknowledged when this returns. */
async function fill(group: string, more = 0) {
  const fence = await client.contend(group, { contenderId: 'leader', leaseMs: 3_600_000 });
  await client.confirm(group, fence, { address: 'here' });
  const term = termFromEnvironment({
    TENURE_GROUP: group,
    TENURE_SESSION_ID: fence.sessionId,
    TENURE_FENCING_VERSION: `${fence.fencingVersion}`,
  });
  const registry = new JobRegistry({ client, term });
  const checkpoints = await registry.submit('nightly', 'the graph', { retain: 1 });
  for (const state of ['one', 'two', 'three']) await checkpoints.add(state);
  const short = await registry.submit('short', 'another graph');
  await short.add('only one');
  await registry.finish('short', 'succeeded');
  const numbers = Array.from({ length: more }, (_, at) => at);
  await mapConcurrent(numbers, 8, async (at) => {
    await (await registry.submit(`job-${at}`, `graph ${at}`)).add(`state ${at}`);
  });
  const log = new ReplicatedLog({ client, group, log: 'journal' });
  await log.create();
  await whenVoting(log, 3);
  await log.writer({ term, deadlineMs: 300_000 }).append(['first', 'second']);
  return log;
}

async function backUp(group: string, bypassDelegation: boolean): Promise<string> {
  const begun = await client.call(createBackup, { params: { group }, body: { bypassDelegation } });
  if ('explain' in begun) throw new Error('This was an explanation');
  return begun.backupId;
}

async function restore(backupId: string, from: string, group: string) {
  await client.call(shareBackup, { params: { group: from, backup: backupId }, body: { group } });
  const { restoreId } = await client.call(startRestore, { params: { group }, body: { backupId } });
  return { group, restoreId };
}

const over = ['COMPLETED', 'FAILED'];

/** The status of a backup once it has ended; the minute's sweep continues what stands still. */
function backupEnd(group: string, backup: string) {
  return eventually(
    `backup ${backup} ends`,
    async () => {
      const status = await client.call(getBackup, { params: { group, backup } });
      return over.includes(status.state) && status;
    },
    withinMs,
  );
}

function restoreEnd({ group, restoreId }: { group: string; restoreId: string }) {
  return eventually(
    `the restore into ${group} ends`,
    async () => {
      const status = await client.call(getRestore, { params: { group, restore: restoreId } });
      return over.includes(status.state) && status;
    },
    withinMs,
  );
}

/** Items that wait for a sweep: the partitions of the groups index, without the lists of groups and logs. */
async function owed(): Promise<string[]> {
  const documents = localDocuments(stack.dynamodb, stack);
  const { Items = [] } = await documents.send(new ScanCommand({ TableName: stack.table, IndexName: 'groups' }));
  documents.destroy();
  return Items.map(({ groupsPk, group, sk }) => `${groupsPk} ${group} ${sk}`).filter(
    (one) => !/^(GROUPS|LOGS) /.test(one),
  );
}

/** The sum of a metric of the functions, from their logs. */
async function metric(name: string): Promise<number> {
  const logs = await Promise.all(
    stack.functions.map((one) => readFile(join(stack.logs, `${one}.log`), 'utf8').catch(() => '')),
  );
  return logs.flatMap(embeddedMetricsIn).reduce((sum, line) => sum + Number(line[name] ?? 0), 0);
}

/** The different events that were heard of the group, by type; one that was sent twice counts once. */
async function counted(group: string): Promise<Record<string, number>> {
  const ids = new Map<string, Set<string>>();
  for (const { type, detail } of await delivered(stack, group)) {
    if (type !== 'Replica Status Changed') ids.set(type, (ids.get(type) ?? new Set()).add(detail.id));
  }
  return Object.fromEntries([...ids].map(([type, all]) => [type, all.size]));
}

test('a storm of throttles, conflicts, timeouts and lost answers loses nothing and leaves nothing stuck', async () => {
  const calm = await fill('calm', sizes.storm.jobs);
  const source = await backUp('calm', true);
  expect(await backupEnd('calm', source)).toMatchObject({ state: 'COMPLETED' });

  const { seconds, share } = sizes.storm;
  expect((await order(stack, 'storm', { seconds, share })).status).toBe(202);
  const until = Date.now() + seconds * 1_000;
  const ticking = setInterval(() => void minute(), sizes.storm.minuteMs);
  const lost = stack.replicaTables[2] ?? '';
  await deleteTable(stack.dynamodb, lost, stack);
  await createReplicaTable(stack.dynamodb, lost, stack);
  const calmBackups: string[] = [];
  const rounds: { group: string; backups: string[]; restored: { group: string; restoreId: string } }[] = [];
  do {
    const group = `stormy-${rounds.length}`;
    const worker = standby({ url: stack.api, group, workerId: 'standby', say: () => {} });
    worker.start();
    await fill(group);
    const restored = await restore(source, 'calm', `${group}-restored`);
    const builtIn = await backUp(group, true);
    await backupEnd(group, builtIn);
    await backupEnd('calm', calmBackups.at(-1) ?? source);
    const delegated = await backUp(group, false);
    await backupEnd(group, delegated);
    await worker.close();
    calmBackups.push(await backUp('calm', true));
    rounds.push({ group, backups: [builtIn, delegated], restored });
  } while (Date.now() < until);

  for (const { group, backups, restored } of rounds) {
    for (const backup of backups) expect(await backupEnd(group, backup)).toMatchObject({ state: 'COMPLETED' });
    expect(await restoreEnd(restored)).toMatchObject({ state: 'COMPLETED' });
    expect((await contentOf(client, restored.group)).logs.get('journal')?.entries.size).toBe(2);
  }
  for (const backup of calmBackups) expect(await backupEnd('calm', backup)).toMatchObject({ state: 'COMPLETED' });
  await whenVoting(calm, 3);
  await eventually('nothing waits for a sweep', async () => (await owed()).length === 0, withinMs).catch(
    async (error: Error) => expect.fail(`${error.message}: ${(await owed()).join(', ')}`),
  );
  clearInterval(ticking);
  for (const { group } of rounds) {
    await expect
      .poll(() => counted(group), { timeout: withinMs })
      .toEqual({
        'Leadership Confirmed': 1,
        'Job Submitted': 2,
        'Checkpoint Committed': 4,
        'Job Finished': 1,
        'Backup Finished': 2,
      });
  }
  expect(await metric('StoreRetries')).toBeGreaterThan(0);
  expect(await refusals(stack)).toEqual([]);
}, 3_600_000);
