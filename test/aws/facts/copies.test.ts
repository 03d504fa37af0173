import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { S3ArchiveBucket } from '../../../functions/backups/bucket/archive-bucket.ts';
import { newGroup, onAws, stage } from '../stage.ts';

const MiB = 1024 ** 2;
const pieceBytes = 64 * MiB;
/** On AWS 64 MiB more than CopyObject copies; elsewhere more than one part of ours. */
const pieces = onAws ? 81 : 5;
const bytes = pieces * pieceBytes;
const bucket = stage.outputs['BucketName'] ?? '';

test('an object above 5 GiB is copied by parts, and resumed where it stopped', { timeout: 900_000 }, async () => {
  const s3 = new S3Client({ region: stage.region, forcePathStyle: !onAws });
  const prefix = `groups/${newGroup()}`;
  const [piece, source, copy, whole] = ['piece', 'source', 'copy', 'whole'].map((name) => `${prefix}/${name}`);
  try {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: piece, Body: Buffer.alloc(pieceBytes, 'tenure') }));
    // S3 puts it together: only one piece has gone through this machine.
    const target = { Bucket: bucket, Key: source };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'SHA256' }));
    const Parts = [];
    for (let PartNumber = 1; PartNumber <= pieces; PartNumber += 1) {
      const part = { ...target, UploadId, PartNumber, CopySource: `${bucket}/${piece}` };
      const { CopyPartResult } = await s3.send(new UploadPartCopyCommand(part));
      Parts.push({ PartNumber, ETag: CopyPartResult?.ETag, ChecksumSHA256: CopyPartResult?.ChecksumSHA256 });
    }
    await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }));

    const ours = new S3ArchiveBucket(s3);
    const place = (key = '') => ({ bucket, key });
    let parts = 0;
    const first = await ours.copy(place(source), place(copy), bytes, { wholeUpTo: 0, goOn: () => parts++ < 1 });
    expect(first).toEqual({ resume: expect.any(String) });
    const second = await ours.copy(place(source), place(copy), bytes, { wholeUpTo: 0, goOn: () => true });
    // MiniStack keeps no checksum of an object in parts.
    const composite = new RegExp(`^.{44}-${Math.ceil(bytes / (256 * MiB))}$`);
    const checksum = onAws ? expect.stringMatching(composite) : undefined;
    expect(second).toEqual({ copied: { bytes, checksum } });
    expect(await ours.head(place(copy))).toEqual({ bytes, checksum, modifiedAt: expect.any(Number) });
    // The reason for the parts.
    const inOne = ours.copy(place(source), place(whole), bytes, { wholeUpTo: bytes, goOn: () => true });
    if (onAws) await expect(inOne).rejects.toMatchObject({ name: 'InvalidRequest' });
    else await inOne;
  } finally {
    const Objects = [piece, source, copy, whole].map((Key) => ({ Key: Key ?? '' }));
    await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }));
    s3.destroy();
  }
});
