/** Backups that name where they go, on a stack that lists a target. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createBackup } from '../../../api/operations/backups.ts';
import { runCli } from '../../../cli/main.ts';
import { ReplicatedLog, TenureClient } from '../../../client/index.ts';
import { sizes } from '../../sizes.ts';
import { recordedShell } from '../../support/shell.ts';
import { type RunningStack, refusals, startStack } from '../../support/stack.ts';
import { end, eventually, folder, newGroup, run } from '../leadership/tenure.ts';

const targets = 's3://vault/tenure/';
let stack: RunningStack;
beforeAll(async () => {
  // Held to roles, the template must know the target, and is synthesised for this file alone.
  const settings = sizes.full
    ? { enforceRoles: true, env: { CDK_CONTEXT_JSON: JSON.stringify({ backupTargets: targets }) } }
    : { env: { TENURE_BACKUP_TARGETS: targets } };
  stack = await startStack({ schedules: false, ...settings });
});
afterAll(() => stack.stop());

/** A command of the CLI against this stack. */
async function tenure(...argv: string[]) {
  const { shell, both } = recordedShell({ TENURE_URL: stack.api });
  const code = await runCli(argv, shell);
  return { code, output: both() };
}

async function json(...argv: string[]) {
  const { code, output } = await tenure(...argv, '--json');
  expect(code, output).toBe(0);
  return JSON.parse(output);
}

async function filledGroup(): Promise<string> {
  const group = newGroup();
  const log = new ReplicatedLog({ client: new TenureClient({ url: stack.api }), group, log: 'events' });
  await log.create();
  await log.writer().append(['paid', 'shipped']);
  return group;
}

test('a bucket of the list: backed up, listed, downloaded, restored and deleted there; another is refused', async () => {
  const group = await filledGroup();
  const refused = await tenure('backup', 'create', '--group', group, '--bypass-delegation', '--target', 's3://other/x');
  expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('which lists s3://vault/tenure/') });

  const target = 's3://vault/tenure/nightly';
  const taken = await json('backup', 'create', '--group', group, '--bypass-delegation', '--target', target);
  expect(taken).toMatchObject({ state: 'COMPLETED', target, uri: `${target}/${group}/${taken.backupId}/1/` });
  expect((await tenure('backup', 'ls', '--group', group)).output).toMatch(/TARGET.*\n.*s3:\/\/vault\/tenure\/nightly/);

  const copy = join(folder(), 'copy');
  await json('backup', 'download', taken.backupId, copy, '--group', group);
  expect(await tenure('backup', 'verify', copy)).toMatchObject({ code: 0 });

  const into = newGroup();
  await json('backup', 'share', taken.backupId, '--group', group, '--with', into);
  expect(await json('restore', '--group', into, '--uri', taken.uri)).toMatchObject({ state: 'COMPLETED' });
  expect((await tenure('log', 'read', 'events', '--group', into)).output).toBe('paid\nshipped');

  expect(await json('backup', 'rm', taken.backupId, '--group', group)).toEqual({ deleted: true });
  expect(await refusals(stack)).toEqual([]);
});

test('a worker writes to a bucket of the list, and to the folder that the backup names', async () => {
  const group = await filledGroup();
  const [first, second] = [folder(), folder()];
  mkdirSync(second, { recursive: true });
  const dirs = ['--local-dir', first, '--local-dir', second];
  const worker = run('node', ['cli/tenure.mjs', 'worker', '--group', group, ...dirs, '--url', stack.api]);
  onTestFinished(() => end(worker));
  await eventually('the worker is present', async () => (await json('worker', 'ls', '--group', group)).length > 0);

  const client = new TenureClient({ url: stack.api });
  const create = (target: string) =>
    client.call(createBackup, { params: { group }, body: { target } }).catch((error: unknown) => error);
  expect(await create('file:///nowhere')).toMatchObject({ code: 'no_worker' });

  const remote = await json('backup', 'create', '--group', group, '--target', targets);
  expect(remote).toMatchObject({ state: 'COMPLETED', uri: `${targets}${group}/${remote.backupId}/1/` });
  const local = await json('backup', 'create', '--group', group, '--target', second);
  expect(local.uri).toContain(`${second}/${group}/${local.backupId}/1/`);
  expect(await tenure('backup', 'verify', join(second, group, local.backupId, '1'))).toMatchObject({ code: 0 });
});
