import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBackup, getBackup, shareBackup } from '../../../api/operations/backups.ts';
import { getRestore, startRestore } from '../../../api/operations/restore.ts';
import { runCli } from '../../../cli/main.ts';
import { JobRegistry, ReplicatedLog, TenureClient, termFromEnvironment } from '../../../client/index.ts';
import { sizes } from '../../sizes.ts';
import { entryText, type LargeGroup, seedLargeGroup } from '../../support/backups/large-group.ts';
import { recordedShell } from '../../support/shell.ts';
import { type RunningStack, startStack } from '../../support/stack.ts';
import { eventually } from '../leadership/tenure.ts';

const size = { entries: 1_800, jobs: 5 };

let stack: RunningStack;
let client: TenureClient;
let source: LargeGroup;
let backupId: string;

/**
 * Begins a restore and kills everything, with SIGKILL, once a part of the entries is restored; starts the stack again
 * on its data.
 */
async function restoreKilledHalfway() {
  const group = `restored-${randomUUID().slice(0, 8)}`;
  await client.call(shareBackup, { params: { group: source.group, backup: backupId }, body: { group } });
  const { restoreId, entryCount } = await client.call(startRestore, { params: { group }, body: { backupId } });
  const status = () => client.call(getRestore, { params: { group, restore: restoreId } });
  await eventually('a part is restored', async () => (await status()).restoredEntries > 0);
  await stack.kill();
  await stack.restart();
  const { state, restoredEntries } = await status();
  expect({ state, part: restoredEntries < entryCount }).toEqual({ state: 'RESTORING', part: true });
  const refused = client.contend(group, { contenderId: 'early', leaseMs: 5_000 });
  await expect(refused).rejects.toMatchObject({ code: 'group_restoring' });
  return { group, restoreId, status };
}

async function expectRestored(group: string) {
  const { fencingVersion, sessionId } = await client.contend(group, { contenderId: 'next', leaseMs: 60_000 });
  expect(fencingVersion).toBeGreaterThan(100_000);
  const env = { TENURE_GROUP: group, TENURE_SESSION_ID: sessionId, TENURE_FENCING_VERSION: `${fencingVersion}` };
  const recovered: string[] = [];
  for await (const { jobId } of new JobRegistry({ client, term: termFromEnvironment(env) }).recover()) {
    recovered.push(jobId);
  }
  expect(recovered).toHaveLength(size.jobs);
  const entries: string[] = [];
  for await (const { data } of new ReplicatedLog({ client, group, log: source.log }).read()) {
    entries.push(Buffer.from(data).toString());
  }
  expect(entries).toEqual(Array.from({ length: size.entries }, (_, position) => entryText(position)));
}

async function tenure(...argv: string[]) {
  const { shell, both } = recordedShell({ TENURE_URL: stack.api });
  return { code: await runCli(argv, shell), output: both() };
}

// In the reduced sizes only the contract tests kill and abandon restores, at every request: here it takes minutes.
describe.runIf(sizes.full)('a restore whose service is killed half-way', () => {
  beforeAll(async () => {
    stack = await startStack();
    client = new TenureClient({ url: stack.api });
    source = await seedLargeGroup(stack, size);
    const params = { group: source.group };
    const begun = await client.call(createBackup, { params, body: { bypassDelegation: true } });
    if (!('backupId' in begun)) throw new Error(JSON.stringify(begun));
    ({ backupId } = begun);
    await eventually('the backup is complete', async () => {
      const { state } = await client.call(getBackup, { params: { ...params, backup: backupId } });
      return state === 'COMPLETED';
    });
  }, 600_000);
  afterAll(() => stack?.stop());

  test('continues by itself where it stopped', async () => {
    const { group, status } = await restoreKilledHalfway();
    await eventually('the restore is complete', async () => (await status()).state === 'COMPLETED');
    await expectRestored(group);
  });

  test('is abandoned instead, and leaves an empty group, which the same backup can be restored into', async () => {
    const { group, restoreId } = await restoreKilledHalfway();
    const abandoned = await tenure('restore', 'abandon', restoreId, '--group', group, '--json');
    expect(abandoned.code, abandoned.output).toBe(0);
    expect(JSON.parse(abandoned.output)).toMatchObject({ state: 'ABANDONED' });
    expect((await tenure('log', 'ls', '--group', group)).output).toContain('no logs yet');
    expect(JSON.parse((await tenure('job', 'ls', '--group', group, '--json')).output)).toEqual([]);
    const again = await tenure('restore', '--group', group, '--backup', backupId, '--json');
    expect(again.code, again.output).toBe(0);
    await expectRestored(group);
  });
});
