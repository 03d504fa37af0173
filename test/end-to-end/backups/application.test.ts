import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { groupRuns } from '../../../cli/lead/process-group.mjs';
import { asked, eventually, folder, ledGroup, newGroup, tenure } from '../leadership/tenure.ts';
import { begun, ended, present, type Status, taken } from './backups.ts';

/** More than a piece of the archive has, in all bytes that there are. */
const state = Buffer.from(Array.from({ length: 700_000 }, (_, at) => (at * 7919 + (at >> 8)) % 256));

async function withWorker(group: string, home: string) {
  const note = (what: string) => `echo ${what} >> ${join(home, 'calls')}`;
  const worker = tenure(
    ...['worker', '--group', group, '--id', 'standby', '--local-dir', join(home, 'local')],
    ...['--on-suspend', `${note('suspend')}; echo '{}'`],
    ...['--snapshot', `${note('snapshot')}; cat ${join(home, 'state')}`],
    ...['--on-resume', note('resume')],
  );
  await present(group, 'standby');
  return worker;
}

test('the state of an application comes back byte for byte: by id, from a download, and from a folder', async () => {
  const [group, copy, second] = [newGroup(), newGroup(), newGroup()];
  const home = folder();
  writeFileSync(join(home, 'state'), state);
  await withWorker(group, home);

  const created = await asked('backup', 'create', '--group', group, '--json');
  const { backupId, state: finalState }: Status = JSON.parse(created.output);
  expect(finalState, created.output).toBe('COMPLETED');
  expect(readFileSync(join(home, 'calls'), 'utf8')).toBe('resume\nsuspend\nsnapshot\nresume\n');

  const downloaded = join(home, 'downloaded');
  const download = ['backup', 'download', backupId, downloaded, '--group', group];
  expect(await asked(...download)).toMatchObject({ code: 0, output: expect.stringContaining('intact') });
  expect(await asked('backup', 'verify', downloaded)).toMatchObject({ code: 0 });
  expect(await asked(...download), 'complete files are kept').toMatchObject({ code: 0 });

  expect((await asked('backup', 'share', backupId, '--group', group, '--with', copy)).code).toBe(0);
  const byId = join(home, 'by-id');
  const restored = await asked('restore', '--group', copy, '--backup', backupId, '--application', byId);
  expect(restored).toMatchObject({ code: 0, output: expect.stringContaining('COMPLETED') });
  expect(readFileSync(join(byId, 'snapshot')).equals(state)).toBe(true);
  expect(readdirSync(byId)).toEqual(['snapshot']);
  expect(statSync(byId).mode & 0o777).toBe(0o700);
  expect(statSync(join(byId, 'snapshot')).mode & 0o777).toBe(0o600);

  const fromFolder = join(home, 'from-folder');
  const again = await asked('restore', '--group', second, '--dir', downloaded, '--application', fromFolder);
  expect(again.code, again.output).toBe(0);
  expect(readFileSync(join(fromFolder, 'snapshot')).equals(state)).toBe(true);
});

test('a backup is handed out to its group and to those with which it is shared, once it is complete and in S3', async () => {
  const [group, stranger] = [await ledGroup(), newGroup()];
  const home = folder();
  const { backupId } = await taken(group, { bypassDelegation: true });
  const download = (by: string, id: string) =>
    asked('backup', 'download', id, join(home, 'd'), '--group', by, '--json');
  expect(JSON.parse((await download(stranger, backupId)).output)).toMatchObject({
    error: { code: 'source_forbidden' },
  });
  const unknown = '01a20f26-c392-7745-b7bb-df8bdc9537a1';
  expect(JSON.parse((await download(group, unknown)).output)).toMatchObject({ error: { code: 'not_found' } });
  expect(existsSync(join(home, 'd'))).toBe(false);

  const without = await asked('restore', '--group', newGroup(), '--backup', backupId, '--application', join(home, 'a'));
  expect(without).toMatchObject({ code: 1 });
  await asked('backup', 'share', backupId, '--group', group, '--with', stranger);
  const none = await asked('restore', '--group', stranger, '--backup', backupId, '--application', join(home, 'a'));
  expect(none).toMatchObject({ code: 64, output: expect.stringContaining('holds no state of an application') });
  const shown = await asked('leader', 'show', '--group', stranger);
  expect(shown, 'nothing was restored').toMatchObject({ code: 1, output: expect.stringContaining('never been led') });

  mkdirSync(join(home, 'd'));
  writeFileSync(join(home, 'd', 'manifest.json'), '{}');
  const into = await download(group, backupId);
  expect(JSON.parse(into.output)).toMatchObject({ error: { code: 'folder_in_use' } });
  expect(readFileSync(join(home, 'd', 'manifest.json'), 'utf8')).toBe('{}');
});

test('a backup on the disk of its worker is read there, with its state', async () => {
  const group = newGroup();
  const home = folder();
  writeFileSync(join(home, 'state'), 'small');
  await withWorker(group, home);
  const created = await asked('backup', 'create', '--group', group, '--local', '--json');
  const { backupId, uri, state: finalState }: Status = JSON.parse(created.output);
  expect(finalState, created.output).toBe('COMPLETED');
  const refused = await asked('backup', 'download', backupId, join(home, 'd'), '--group', group, '--json');
  expect(JSON.parse(refused.output)).toMatchObject({ error: { code: 'backup_not_available' } });
  const there = ['--uri', String(uri), '--application', join(home, 'a')];
  expect(await asked('restore', '--group', newGroup(), ...there)).toMatchObject({ code: 0 });
  expect(readFileSync(join(home, 'a', 'snapshot'), 'utf8')).toBe('small');

  const modes = readdirSync(join(home, 'local'), { recursive: true, withFileTypes: true }).map((entry) => {
    const mode = (statSync(join(entry.parentPath, entry.name)).mode & 0o777).toString(8);
    return `${entry.isDirectory() ? 'folder' : 'file'} ${mode}`;
  });
  expect([...new Set(modes)].sort()).toEqual(['file 600', 'folder 700']);

  expect((await asked('backup', 'rm', backupId, '--group', group)).code).toBe(0);
  await eventually('its files have left the disk', () => !existsSync(join(home, 'local', group, backupId)));
  expect((await asked('backup', 'rm', backupId, '--group', group)).output).toContain('was deleted at');
});

test('a killed worker leaves no --snapshot running, and what it left on its disk goes when a worker with this disk starts', async () => {
  const group = newGroup();
  const home = folder();
  const local = ['--local-dir', join(home, 'local')];
  const killed = tenure(
    'worker',
    '--group',
    group,
    ...local,
    '--snapshot',
    `echo $$ >${join(home, 'pid')}; head -c 30000000 /dev/urandom; sleep 600 & wait`,
  );
  await eventually(
    'the worker is present',
    async () => (await asked('worker', 'ls', '--group', group, '--json')).output !== '[]',
  );
  const { backupId } = await begun(group, { localFileSystem: true });
  const place = join(home, 'local', group, backupId);
  await eventually('it has written a file', () => existsSync(join(place, '1', 'entries-00000.ndjson.gz')));
  killed.child.kill('SIGKILL');
  await killed.ended();
  const pid = Number(readFileSync(join(home, 'pid'), 'utf8'));
  await eventually('nothing of --snapshot runs any more', () => !groupRuns(pid));
  expect(await ended(group, backupId)).toMatchObject({ state: 'FAILED', error: { code: 'backup_timed_out' } });
  expect(await asked('backup', 'create', '--group', group), 'a lone dead worker is not asked again').toMatchObject({
    code: 1,
    output: expect.stringContaining('was silent, and was given up'),
  });
  const next = tenure('worker', '--group', group, ...local);
  await next.says(`removed the files of backup ${backupId}`);
  expect(existsSync(place)).toBe(false);
});

test('a --snapshot that fails ends the backup with its exit code', async () => {
  const group = newGroup();
  tenure('worker', '--group', group, '--id', 'standby', '--snapshot', 'echo half; exit 4');
  await present(group, 'standby');
  const created = await asked('backup', 'create', '--group', group, '--json');
  expect(created.code).toBe(1);
  expect(JSON.parse(created.output)).toMatchObject({
    error: { code: 'worker_hook_failed', message: '--snapshot exited with 4' },
  });
});

test('tenure worker ls shows who is present', async () => {
  const group = newGroup();
  expect(await asked('worker', 'ls', '--group', group)).toMatchObject({
    code: 0,
    output: expect.stringContaining('No workers registered'),
  });
  tenure('worker', '--group', group, '--id', 'standby');
  await present(group, 'standby');
  const shown = await asked('worker', 'ls', '--group', group);
  expect(shown.output).toMatch(/^WORKER +HOST +PRESENT +SEEN +BACKUP\nstandby +\S+ +yes /);
});
