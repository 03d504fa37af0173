import { randomUUID } from 'node:crypto';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { systemClock } from '../../../store/clock.ts';
import { jobRoom } from '../../jobs/environment.ts';
import { heldDeletesTable } from '../../jobs/payloads/held-deletes-table.ts';
import { stateLocksTable } from '../../jobs/state-locks-table.ts';
import { logRoom } from '../../log/environment.ts';
import { groupLogs } from '../../log/lambda/group-logs.ts';
import { documentClient, s3Client } from '../../platform/aws.ts';
import { stateLockMs } from '../../platform/settings.ts';
import { backupTable } from '../backup-table.ts';
import { S3ArchiveBucket } from '../bucket/archive-bucket.ts';
import type { Cutter } from '../ports.ts';
import { archiveBucketName, backupSettings } from '../settings.ts';
import { GroupCutter } from './group-cut.ts';

/** Builds the cut once per Lambda environment, from its variables. */
export function cutterRoom(): Cutter {
  const { table, cutFreePasses, cutPasses } = backupSettings();
  const client = documentClient();
  const { jobs, payloads } = jobRoom();
  return new GroupCutter({
    jobs,
    payloads,
    locks: stateLocksTable(client, table),
    leases: leaseTable(client, table),
    bucket: new S3ArchiveBucket(s3Client()),
    bucketName: archiveBucketName(),
    logs: groupLogs(logRoom(), systemClock),
    held: heldDeletesTable(client, table),
    store: backupTable(client, table),
    clock: systemClock,
    lockMs: stateLockMs(),
    freePasses: cutFreePasses,
    mostPasses: cutPasses,
    newId: randomUUID,
  });
}
