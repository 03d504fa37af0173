import { S3Client } from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import type { GroupLogs } from '../../../log/group-logs.ts';
import type { Replica } from '../../../log/protocol/replica.ts';
import { CrashedError, type Fault, injectFaults } from '../../support/faults.ts';
import { localDocuments } from '../../support/main-table.ts';
import type { ArchiveWorld } from './archive-world.ts';

/** A process that ends at its n-th request, whichever store it goes to, before it is sent or after it took effect. */
export function mortalProcess(archive: ArchiveWorld, fatal: number) {
  const { world, logs } = archive;
  const client = localDocuments(inject('dynamodb'));
  const endpoint = world.s3.config.endpoint;
  const s3 = new S3Client({
    ...(endpoint ? { endpoint } : {}),
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  let sent = 0;
  let dead = false;
  const crash: Fault = fatal % 2 === 0 ? 'crash before' : 'crash after';
  const next = (): Fault | undefined => {
    sent += 1;
    if (sent !== fatal && !dead) return undefined;
    const already = dead;
    dead = true;
    return already ? 'crash before' : crash;
  };
  for (const one of [client, s3]) injectFaults(one).plan = next;
  const mortal = (replica: Replica): Replica =>
    Object.fromEntries(
      Object.entries(replica).map(([name, act]) => [
        name,
        typeof act !== 'function'
          ? act
          : async (...args: never[]) => {
              const fault = next();
              if (fault === 'crash before') throw new CrashedError('The process ended here');
              const answer = await act(...args);
              if (fault) throw new CrashedError('The process ended here');
              return answer;
            },
      ]),
    ) as unknown as Replica;
  const dying: GroupLogs = {
    ...logs,
    open: async (group, log) => {
      const parts = await logs.open(group, log);
      return { ...parts, replicas: parts.replicas.map(mortal) };
    },
  };
  const process = archive.process({
    logs: dying,
    client,
    s3,
    restoreSources: [`s3://${world.bucket}/backups/`],
  });
  return {
    process,
    client,
    s3,
    sent: () => sent,
    end: () => {
      s3.destroy();
      client.destroy();
    },
  };
}
