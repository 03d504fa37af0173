import packageJson from '../../../package.json' with { type: 'json' };
import { heldDeletesTable } from '../../checkpoints/held-deletes-table.ts';
import { jobRoom } from '../../jobs/room.ts';
import { leaseTable } from '../../leadership/lease-table.ts';
import { logRoom } from '../../log/room.ts';
import { documentClient, s3Client } from '../../platform/aws.ts';
import { systemClock } from '../../platform/clock.ts';
import { archiveBucket } from '../backup-bucket.ts';
import { backupOwnersTable } from '../backup-owners-table.ts';
import { groupLogs } from '../cut/group-logs-room.ts';
import type { Archives } from '../ports.ts';
import { archiveBucketName, backupSettings } from '../settings.ts';
import { archives } from './archives.ts';

/** Builds the archives once per Lambda environment, from its variables. */
export function archivesRoom(): Archives {
  const { table } = backupSettings();
  const client = documentClient();
  const { jobs, payloads } = jobRoom();
  return archives({
    bucket: archiveBucket(s3Client()),
    bucketName: archiveBucketName(),
    payloads,
    jobs,
    held: heldDeletesTable(client, table),
    leases: leaseTable(client, table),
    logs: groupLogs(logRoom(), systemClock),
    owners: backupOwnersTable(client, table),
    clock: systemClock,
    version: packageJson.version,
    newSuffix: () => Math.random().toString(36).slice(2, 10),
  });
}
