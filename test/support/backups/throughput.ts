import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { createBackup, getBackup } from '../../../api/operations/backups.ts';
import { ReplicatedLog, type TenureClient } from '../../../client/index.ts';
import type { LargeGroup } from './large-group.ts';

const compress = promisify(gzip);
const fileBytes = 8 * 1024 ** 2;

/** Waits for the group's worker and has it take a backup; returns its id and the time that the worker took, ms. */
export async function backUpByWorker(client: TenureClient, { group }: Pick<LargeGroup, 'group'>) {
  const params = { group };
  for (let present = false; !present; await pause(100)) {
    const explained = await client.call(createBackup, { params, body: { explain: true } });
    present = 'explain' in explained && explained.candidates.some(({ chosen }) => chosen);
  }
  const begun = await client.call(createBackup, { params, body: {} });
  if (!('backupId' in begun)) throw new Error(JSON.stringify(begun));
  const { backupId } = begun;
  for (;;) {
    const status = await client.call(getBackup, { params: { group, backup: backupId } });
    if (status.state === 'FAILED') throw new Error(JSON.stringify(status));
    if (status.state === 'COMPLETED') {
      const { TRANSITIONING = 0, RUNNING = 0 } = status.phases;
      return { backupId, workedMs: TRANSITIONING + RUNNING };
    }
    await pause(100);
  }
}

/** The plain alternative: reads the log, gzips its lines and puts them into S3, one after the other. */
export async function copyByPlainLoop(
  client: TenureClient,
  { group, log }: LargeGroup,
  { s3, bucket }: { readonly s3: S3Client; readonly bucket: string },
): Promise<number> {
  const prefix = `plain/${randomUUID()}/`;
  let copied = 0;
  let files = 0;
  let lines: string[] = [];
  let size = 0;
  const put = async () => {
    const Body = await compress(`${lines.join('\n')}\n`, { level: 4 });
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}${files}.ndjson.gz`, Body }));
    files += 1;
    lines = [];
    size = 0;
  };
  for await (const { position, data } of new ReplicatedLog({ client, group, log }).read()) {
    const line = JSON.stringify({ position, data: Buffer.from(data).toString('base64') });
    lines.push(line);
    size += line.length + 1;
    copied += 1;
    if (size >= fileBytes) await put();
  }
  if (lines.length > 0) await put();
  return copied;
}
