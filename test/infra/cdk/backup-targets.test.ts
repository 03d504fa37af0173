import { beforeAll, expect, test } from 'vitest';
import { permissionsOf, resources, templateOf } from './synthesised.ts';

let template: ReturnType<typeof templateOf>;
beforeAll(() => {
  template = templateOf({ backupTargets: 's3://vault/tenure/' });
});

/** A function's rights in the bucket of the target. */
const inTarget = (name: string) =>
  permissionsOf(template, name)
    .filter(({ resource }) => resource.includes(':s3:::'))
    .map(({ action, resource }) => `${action.replace('s3:', '')} ${resource.replace(/.*:s3:::/, '')}`)
    .sort();

test.each([
  [
    'backups',
    [
      'DeleteObject vault/tenure/*',
      'GetObject vault/tenure/*',
      'ListBucket vault',
      'ListBucket vault',
      'ListBucketMultipartUploads vault',
      'ListMultipartUploadParts vault/tenure/*',
      'PutObject vault/tenure/*',
    ],
  ],
  [
    'backupwork',
    [
      'GetObject vault/tenure/*',
      'ListBucket vault',
      'ListBucketMultipartUploads vault',
      'ListMultipartUploadParts vault/tenure/*',
      'PutObject vault/tenure/*',
    ],
  ],
  ['backupcut', ['DeleteObject vault/tenure/*', 'ListBucket vault']],
  ['backupsweep', ['DeleteObject vault/tenure/*', 'ListBucket vault']],
  ['restorestep', ['GetObject vault/tenure/*']],
  ['backuprecords', []],
  ['workers', []],
  ['jobs', []],
  ['lease', []],
  ['observe', []],
])('%s may do in a target of backups what its task needs', (name, allowed) => {
  expect([...new Set(inTarget(name))]).toEqual([...new Set(allowed)]);
});

test('the functions that begin backups know the targets', () => {
  const informed = resources(template, 'AWS::Lambda::Function').filter(
    ({ properties }) => properties.Environment?.Variables?.TENURE_BACKUP_TARGETS === 's3://vault/tenure/',
  );
  const names = informed.map(({ id }) => /^TenureService([a-z]+)/.exec(id)?.[1]);
  expect(names).toEqual(expect.arrayContaining(['backups', 'backupsweep']));
});
