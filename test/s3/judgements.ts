/**
 * The S3 suite on versitygw v1.8.0, an S3 that nobody here wrote: 157 of its 231 tests agree. Each of the others stands
 * here with the reason, by the beginning of its name; `npm test -- versitygw` fails for one that is not listed, and for
 * one that is listed and agrees.
 */
export const judgements: Readonly<Record<string, readonly string[]>> = {
  'it moves the clock of our server, looks into its folder or counts its requests': [
    'a delete while a conditional write is under way',
    'UploadPartCopy takes what is above 5 GiB only by ranges',
    'an upload in parts is read to its end though it is deleted meanwhile',
    'a blob that was damaged on the disk',
    'an upload URL as Tenure hands it out refuses the time it was made for over',
    'an upload URL as Tenure hands it out takes the bytes that it was made for, once',
    'an upload URL as Tenure hands it out says that it has expired',
    'a download URL reads',
    'a download URL may come from another library',
    'leftovers of a crash',
    'the folder holds no name that comes from a key',
    'a body that ends when the client hangs up',
    'a request is told by name, bucket and key',
    'buckets are created, listed, found and deleted',
  ],
  'ours has no such operation and says so, where the other has one': [
    'the SDK is told which algorithms are not computed here',
    'an operation not implemented',
  ],
  'its keys are paths of a file system; in S3 any UTF-8 up to 1,024 bytes is a key': [
    'CopyObject finds sources with unusual keys',
    'ListObjectsV2 lists keys in the order of their UTF-8 bytes',
    'ListObjectsV2 encodes keys on request',
    'a key may be',
    'a key tells apart names',
  ],
  "ours is written from AWS's pages of the operation, and they say so; none was tried on AWS": [
    'If-None-Match: * holds for copies',
    'CopyObject holds to the conditions on its source',
    'UploadPartCopy makes parts of a whole object',
    'UploadPartCopy is refused for a range',
    'ListObjectsV2 refuses what it cannot read',
    'DeleteObjects is silent about success when quiet',
    'DeleteObjects takes 1000 keys and no more',
    'an upload in parts reads by part number',
    'completing the same upload many times at once',
    'a part has a number from 1 to 10000',
    'lists show parts in pages and uploads by key',
    'an object comes back byte for byte',
    'a conditional read answers 304 and 412',
    'an upload in parts by URL takes each part only with its SHA-256',
    'a download URL of another secret',
    "the SDK's streams of",
    'aws-chunked',
    'a body is only asked for when the request is good',
    'tagging',
    'a request that is broken is refused',
    'buckets have names that S3 allows',
  ],
  'the two name another error, and no page of AWS says which comes first': [
    'completing is refused with parts that are unknown, changed, out of order or missing',
    'DeleteObjects deletes nothing when its list is damaged',
    "the SDK's streams in pieces below 8 KiB",
  ],
  'the SDK gives a part a CRC32 unasked: on AWS completing must repeat it (aws/aws-sdk-java-v2#6518), there it must not':
    [
      'a part of an upload without checksum may have a CRC32',
      'If-None-Match: * lets exactly one of 30 racing uploads complete',
      'If-Match holds for a completed upload',
      'an upload in parts is over once it is complete',
      'completing is refused with a part below 5 MiB',
      'a part is replaced by the same number again',
    ],
};
