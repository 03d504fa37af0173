import { expect, test } from 'vitest';
import { directS3 } from '../../../../client/jobs/s3.ts';
import { persistently, TransferError } from '../../../../client/jobs/transfer.ts';
import { ManualTime } from '../../../support/manual-time.ts';

test('a key on which S3 still works is put once more after a pause, one that it refuses is not', async () => {
  const time = new ManualTime();
  const transfer = { s3: directS3, time, random: () => 0, signal: new AbortController().signal };
  const answers = [409, 200];
  const attempt = async () => {
    const status = answers.shift();
    if (status !== 200) throw new TransferError('S3 answered', status ?? 0);
    return 'put';
  };
  const put = persistently(transfer, 'The upload', attempt);
  await time.advance(60_000);
  expect(await put).toBe('put');
  answers.push(405, 200);
  await expect(persistently(transfer, 'The upload', attempt)).rejects.toMatchObject({ code: 'transfer_failed' });
});
