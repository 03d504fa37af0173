import packageJson from '../../../package.json' with { type: 'json' };
import { systemClock } from '../../../store/clock.ts';
import { payloadBucket } from '../../jobs/payloads/payload-bucket.ts';
import { logRoom } from '../../log/environment.ts';
import { groupLogs } from '../../log/lambda/group-logs.ts';
import { documentClient, s3Client } from '../../platform/aws.ts';
import { backupOwnersTable } from '../backup-owners-table.ts';
import { backupTable } from '../backup-table.ts';
import { S3ArchiveBucket } from '../bucket/archive-bucket.ts';
import type { Archives } from '../ports.ts';
import { archiveBucketName, backupSettings } from '../settings.ts';
import { archives } from './archives.ts';
import { rememberServed } from './attempts.ts';

/** Builds the archives once per Lambda environment, from its variables. */
export function archivesRoom(): Archives {
  const { table } = backupSettings();
  const client = documentClient();
  const store = backupTable(client, table);
  return archives({
    bucket: new S3ArchiveBucket(s3Client()),
    bucketName: archiveBucketName(),
    objectsIn: (bucket) => payloadBucket(s3Client(), bucket),
    logs: groupLogs(logRoom(), systemClock),
    owners: backupOwnersTable(client, table),
    clock: systemClock,
    served: (name, chain) => rememberServed({ store }, name, chain),
    version: packageJson.version,
    newSuffix: () => Math.random().toString(36).slice(2, 10),
  });
}
