import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { recordedShell } from '../../support/shell.ts';
import { asked, client, eventually, folder, tenure } from '../leadership/tenure.ts';
import { type Expected, expectAsAtTheCut } from './as-at-the-cut.ts';
import { downloadAll, s3Of } from './downloads.ts';
import { contentOf } from './group-content.ts';
import { type LivingGroup, openLivingGroup } from './living-group.ts';

const newTarget = () => `restored-${randomUUID().slice(0, 8)}`;

interface Taken extends Expected {
  readonly backupId: string;
  readonly uri: string;
}

/** Takes a backup by the command line while the group's writers continue. */
async function backUp(living: LivingGroup, ...options: string[]): Promise<Taken> {
  const { group } = living;
  const before = await contentOf(client(), group);
  const stop = living.goOn();
  const from = living.commits();
  const { output, code } = await asked('backup', 'create', '--group', group, '--json', ...options);
  const to = living.commits();
  await stop();
  expect(code, output).toBe(0);
  const { backupId, uri, cut, state } = JSON.parse(output);
  expect(state).toBe('COMPLETED');
  return { living, before, commits: [from, to], backupId, uri, cut };
}

/** In-process, without any service: nothing answers at this address. */
async function withoutService(...argv: string[]) {
  const { shell, both } = recordedShell({ TENURE_URL: 'http://127.0.0.1:9' });
  return { code: await runCli(argv, shell), output: both() };
}

describe('a backup that the built-in worker took while the group was written to', () => {
  let taken: Taken;
  beforeAll(async () => {
    taken = await backUp(await openLivingGroup(client()), '--bypass-delegation');
  }, 240_000);

  test('is restored into an empty group exactly as at the cut', async () => {
    const { backupId, living } = taken;
    const target = newTarget();
    const refused = await asked('restore', '--group', target, '--backup', backupId, '--json');
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('source_forbidden') });
    await asked('backup', 'share', backupId, '--group', living.group, '--with', target);
    const restoring = tenure('restore', '--group', target, '--backup', backupId, '--json');
    expect(await restoring.ended(), restoring.output()).toBe(0);
    const status = JSON.parse(restoring.output());
    expect(status).toMatchObject({ state: 'COMPLETED', restoredEntries: status.entryCount });
    await expectAsAtTheCut(client(), target, taken);

    const again = await asked('restore', '--group', target, '--backup', backupId, '--json');
    expect(again).toMatchObject({ code: 1, output: expect.stringContaining('group_not_empty') });
  });

  test('is verified from its files alone, and restored from them; a flipped byte in any of them is told', async () => {
    const files = folder();
    await downloadAll(s3Of(inject('stack')), taken.uri, files);
    // Only what the manifest names: a worker that was started twice leaves files of the other suffix behind.
    const manifest = JSON.parse(await readFile(join(files, 'manifest.json'), 'utf8'));
    const names: string[] = ['manifest.json', ...[...manifest.files, ...manifest.payloads].map(({ name }) => name)];
    const whole = await withoutService('backup', 'verify', files, '--json');
    expect(JSON.parse(whole.output)).toMatchObject({ intact: true, backupId: taken.backupId, cut: taken.cut });
    const target = newTarget();
    for (const name of names) {
      const path = join(files, name);
      const bytes = await readFile(path);
      // The payload of a checkpoint may be empty: then it grows.
      const changed = bytes.length > 0 ? Buffer.from(bytes) : Buffer.from('x');
      if (bytes.length > 0) changed.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
      await writeFile(path, changed);
      const { code, output } = await withoutService('backup', 'verify', files);
      expect({ code, output }, name).toMatchObject({ code: 1, output: expect.stringContaining('damaged: ') });
      const refused = await asked('restore', '--group', target, '--dir', files, '--json');
      expect(refused, name).toMatchObject({ code: 1, output: expect.stringContaining('backup_damaged') });
      await rm(path);
      expect((await withoutService('backup', 'verify', files)).code, name).toBe(1);
      await writeFile(path, bytes);
    }
    const restored = await asked('restore', '--group', target, '--dir', files, '--json');
    expect(restored.code, restored.output).toBe(0);
    await expectAsAtTheCut(client(), target, taken);
  });
});

test('a backup on the disk of a worker is restored from there by the command line', async () => {
  const living = await openLivingGroup(client());
  const disk = folder();
  tenure('worker', '--group', living.group, '--id', 'standby', '--local-dir', disk);
  await eventually('the worker is present', async () => {
    const { output } = await asked('backup', 'create', '--group', living.group, '--explain', '--json');
    return output.includes('"chosen":true');
  });
  const taken = await backUp(living, '--local');
  expect(taken.uri).toMatch(new RegExp(`^file://${hostname()}/.*`));
  const elsewhere = await asked('restore', '--group', newTarget(), '--uri', 'file://another-host/backup');
  expect(elsewhere).toMatchObject({ code: 64, output: expect.stringContaining('another-host') });
  const target = newTarget();
  const { code, output } = await asked('restore', '--group', target, '--uri', taken.uri);
  expect(code, output).toBe(0);
  await expectAsAtTheCut(client(), target, taken);
});
