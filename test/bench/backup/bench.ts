import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { TenureClient } from '../../../client/index.ts';
import { startDynamoDbLocal } from '../../../emulator/dynamodb/dynamodb.ts';
import { startS3Server } from '../../../emulator/s3/server.ts';
import { sizes } from '../../sizes.ts';
import { seedLargeGroup } from '../../support/backups/large-group.ts';
import { backUpByWorker, copyByPlainLoop } from '../../support/backups/throughput.ts';
import { mostResidentMiB, startWorker } from '../../support/backups/worker-process.ts';
import { startStack } from '../../support/stack.ts';
import { atMost, type Bench, type Row } from '../bench.ts';
import { compare, interleaved } from '../samples.ts';

const largestResidentMiB = 200;

export const bench: Bench = {
  name: 'backup',
  sentence:
    'A worker backs up a group with 200,000 log entries and 2,000 jobs, against a plain loop that reads the same entries, gzips and uploads them.',

  async run(say) {
    const folder = await mkdtemp(join(tmpdir(), 'tenure-bench-'));
    const [dynamodb, objects] = await Promise.all([startDynamoDbLocal(), startS3Server({ folder })]);
    const env = { AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint, AWS_ENDPOINT_URL_S3: objects.endpoint };
    const stack = await startStack({ env, schedules: false });
    const s3 = new S3Client({
      endpoint: objects.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      forcePathStyle: true,
    });
    const stores = { dynamodb: dynamodb.endpoint, s3: objects.endpoint };
    const client = new TenureClient({ url: stack.api });
    say('seeding the group');
    const large = await seedLargeGroup({ ...stack, ...stores }, sizes.backups);
    const worker = startWorker(stack.api, large.group);
    try {
      const { ours, theirs } = await interleaved(
        { rounds: 3, warmUp: 1 },
        {
          ours: async () => {
            const { workedMs } = await backUpByWorker(client, large);
            say(`the worker took ${Math.round(workedMs)} ms`);
            return workedMs;
          },
          theirs: async () => {
            const startedAt = performance.now();
            const copied = await copyByPlainLoop(client, large, { s3, bucket: stack.bucket });
            if (copied !== sizes.backups.entries) throw new Error(`The loop has read ${copied} entries`);
            return performance.now() - startedAt;
          },
        },
      );
      const microseconds = (values: number[]) => values.map((ms) => (1_000 * ms) / sizes.backups.entries);
      const perEntry = compare('time for each log entry', {
        ours: microseconds(ours),
        theirs: microseconds(theirs),
        unit: 'µs',
        digits: 1,
        atMost: 1.75,
      });
      return { rows: [perEntry, memoryOf(mostResidentMiB(worker))], notes };
    } finally {
      worker.child.kill('SIGTERM');
      await worker.ended();
      s3.destroy();
      await stack.stop();
      await Promise.all([dynamodb.stop(), objects.stop()]);
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function memoryOf(resident: number): Row {
  return {
    what: 'most memory that the worker had resident',
    ours: `${Math.round(resident)} MiB`,
    theirs: '',
    aim: atMost(largestResidentMiB, resident, `${largestResidentMiB} MiB`),
  };
}

const notes = [
  'Ours also records 2,000 jobs, copies their 4,000 payloads inside S3, chains and counts the entries and beats; the loop does nothing of that. Reading goes through the API on both sides.',
];
