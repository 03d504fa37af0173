import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { project } from '../../support/stack.ts';
import { asked, folder, ledGroup, newGroup, run, tenure } from '../leadership/tenure.ts';
import { ended, gate, present, type Status, start, statusOf } from './backups.ts';

test('tenure worker takes what tenure backup create asks for, and says goodbye when it is stopped', async () => {
  const group = await ledGroup();
  const localDir = folder();
  const json = async (...argv: string[]) => {
    const { output, code } = await asked('backup', ...argv, '--group', group, '--json');
    expect(code, output).toBe(0);
    return JSON.parse(output);
  };
  const worker = tenure('worker', '--group', group, '--id', 'standby', '--local-dir', localDir);
  await present(group, 'standby');
  expect(await json('create', '--explain')).toMatchObject({ candidates: [{ worker: 'standby', chosen: true }] });

  // As a person sees it: `script` gives the command a terminal.
  const command = `stty cols 200; ${process.execPath} ${join(project, 'cli/tenure.mjs')} backup create --group ${group}`;
  const typed = run('script', ['--quiet', '--return', '--command', command, '/dev/null']);
  expect(await typed.ended()).toBe(0);
  const shown = stripVTControlCharacters(typed.output());
  expect(shown).toMatch(/(INITIATING|(TRANSITIONING|RUNNING|VERIFYING) on standby): \d+ entries, \d+.* \(initiating /);
  expect(shown).toMatch(/state +COMPLETED\r?\nworker +standby/);

  const local: Status = await json('create', '--local');
  expect(local).toMatchObject({ state: 'COMPLETED', worker: 'standby' });
  const path = fileURLToPath(String(local.uri).replace(/^file:\/\/[^/]+/, 'file://'));
  expect(path.startsWith(localDir) && existsSync(join(path, 'manifest.json'))).toBe(true);
  expect(await asked('backup', 'verify', path)).toMatchObject({ code: 0 });

  const begun: Status = await json('create', '--async', '--bypass-delegation');
  expect(begun.state).toBe('INITIATING');
  expect(await ended(group, begun.backupId)).toMatchObject({ state: 'COMPLETED', worker: 'built-in' });
  expect((await json('ls')).map(({ backupId }: Status) => backupId).slice(0, 2)).toEqual([
    begun.backupId,
    local.backupId,
  ]);
  expect(await json('show', local.backupId)).toEqual(await statusOf(group, local.backupId));
  expect((await asked('backup', 'show', local.backupId, '--group', group)).output).toContain('standby on ');
  expect(await json('rm', local.backupId)).toEqual({ deleted: true });
  expect(await asked('backup', 'show', local.backupId, '--group', group)).toMatchObject({ code: 1 });

  worker.child.kill('SIGTERM');
  expect(await worker.ended()).toBe(0);
  for (const what of ['registered', 'suspended', 'accepted', 'finished', 'resumed', 'left']) {
    expect(worker.output()).toContain(`  ${what}`);
  }
  const refused = await asked('backup', 'create', '--group', group);
  expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('has no worker') });
});

test('tenure backup cancel ends a backup, and a waiting command ends with 1', async () => {
  const group = newGroup();
  const held = gate();
  onTestFinished(held.open);
  await start({ onTestFinished }, group, 'worker', { at: (moment) => moment === 'half' && held.wait() });
  const waiting = asked('backup', 'create', '--group', group, '--redelegate', '--json');
  await held.reached;
  const [running] = JSON.parse((await asked('backup', 'ls', '--group', group, '--json')).output);
  const cancelled = await asked('backup', 'cancel', running.backupId, '--group', group);
  expect(cancelled).toMatchObject({ code: 0, output: `backup ${running.backupId} is cancelled` });
  const { code, output } = await waiting;
  expect(code).toBe(1);
  expect(JSON.parse(output)).toMatchObject({ state: 'FAILED', error: { code: 'cancelled' } });
});
