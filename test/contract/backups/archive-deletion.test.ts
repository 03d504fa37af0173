import { randomUUID } from 'node:crypto';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { manifestName } from '../../../api/archive.ts';
import { backupPlace } from '../../../functions/backups/bucket/archive-place.ts';
import { OutOfTimeError } from '../../../functions/backups/worker/built-in-worker.ts';
import { injectFaults } from '../../support/faults.ts';
import { checkpoint, submit } from '../../support/job-world.ts';
import { type ArchiveWorld, openArchives } from './archive-world.ts';

let archive: ArchiveWorld;
beforeAll(async () => {
  archive = await openArchives();
});
afterAll(() => archive.world.close());

test('the manifest of a backup goes before anything else: what a deletion leaves when it dies is no backup', async () => {
  const { world } = archive;
  const group = `owner-${randomUUID()}`;
  const service = archive.process();
  const fence = await world.lead(group);
  await submit(service.jobs, fence, `/groups/${group}/jobs/j`, {});
  await checkpoint(service.jobs, fence, `/groups/${group}/jobs/j`, 'the state');
  const backup = await archive.backUp(service, group);
  const left = async () => {
    const prefix = backupPlace(backup);
    const { Contents = [] } = await world.s3.send(new ListObjectsV2Command({ Bucket: world.bucket, Prefix: prefix }));
    return Contents.map(({ Key = '' }) => Key.slice(prefix.length));
  };
  const before = await left();
  expect(before).toContain(`${backup.attempt}/${manifestName}`);

  const faults = injectFaults(world.s3);
  faults.plan = (command) => (command.startsWith('Delete') ? 'throttle' : undefined);
  await expect(service.archives.discard({ ...backup, target: undefined })).rejects.toMatchObject({
    code: 'unavailable',
  });
  expect(await left()).toEqual(before);
  faults.plan = (command) => (command.startsWith('Delete') ? 'crash after' : undefined);
  await expect(service.archives.discard({ ...backup, target: undefined })).rejects.toThrow();
  faults.plan = () => undefined;
  faults.revive();
  expect(await left()).toEqual(before.filter((name) => !name.endsWith(manifestName)));
  const target = `to-${randomUUID()}`;
  const trusting = archive.process({ restoreSources: [`s3://${world.bucket}/backups/`] });
  const restored = trusting.restore({ group: target, uri: service.archives.uri(backup) });
  await expect(restored).rejects.toMatchObject({ code: 'backup_damaged' });

  await expect(service.archives.discard({ ...backup, target: undefined }, undefined, () => false)).rejects.toThrow(
    OutOfTimeError,
  );
  expect(await left()).not.toEqual([]);
  await service.archives.discard({ ...backup, target: undefined });
  expect(await left()).toEqual([]);
});
