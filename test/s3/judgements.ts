/**
 * The S3 suite on versitygw v1.8.0, an S3 that nobody here wrote. Of its 237 tests 19 need our server (they move its
 * clock, look into its folder or count its requests, and are skipped there), and 170 agree. Each of the other 48 is
 * named here, with who is right by AWS's documentation; `npm test -- versitygw` fails for one that is not named, and
 * for one that is named and agrees.
 */
export interface Judgement {
  /** By AWS: ours, neither (no page says), or no difference about S3 (ours refuses an operation that it lacks). */
  readonly right: 'ours' | 'no page says' | 'not in ours';
  /** S3 does this, by the page of AWS that is named; versitygw does something else. */
  readonly why: string;
  /** The beginnings of the tests' names. */
  readonly tests: readonly string[];
  /** A race there: it agrees in some runs. */
  readonly sometimes?: true;
}

const keys: Judgement = {
  right: 'ours',
  why: '"Naming Amazon S3 objects": a key is any UTF-8 of up to 1,024 bytes. There it is a path of a file system: no "..", no name of more than 255 bytes, no object with bytes whose key ends with a slash.',
  tests: [
    'CopyObject finds sources with unusual keys, in other buckets, and says when there is none',
    'ListObjectsV2 lists keys in the order of their UTF-8 bytes, as they were written',
    'ListObjectsV2 encodes keys on request',
    'a key may be "a//b/"',
    'a key may be "../../../etc/passwd"',
    'a key may be ".."',
    'a key may be "éééééééééééééééééééé… (1024 bytes)"',
    'a key tells apart names that a file system would fold into one',
  ],
};

const crc32: Judgement = {
  right: 'ours',
  why: 'An upload without an algorithm whose parts the SDK gave a CRC32: S3 completes it when the request repeats each CRC32, else it says InvalidPart (seen on AWS: aws/aws-sdk-java-v2#6518, aws/aws-sdk-go-v2#3005). There it is the other way round.',
  tests: [
    'If-None-Match: * lets exactly one of 30 racing uploads complete; the others can still be aborted',
    'If-Match holds for a completed upload, which stays when it is lost',
    'an upload in parts is over once it is complete',
    'completing is refused with a part below 5 MiB that is not the last, and can be mended',
    'a part is replaced by the same number again',
  ],
};

const streams: Judgement = {
  right: 'ours',
  why: '"Signature calculations: transferring payload in multiple chunks": S3 stores the object without the encoding aws-chunked. There it comes back with it.',
  tests: [
    "the SDK's streams of 0 bytes arrive byte for byte",
    "the SDK's streams of 1 bytes arrive byte for byte",
    "the SDK's streams of 8191 bytes arrive byte for byte",
    "the SDK's streams of 8192 bytes arrive byte for byte",
    "the SDK's streams of 65536 bytes arrive byte for byte",
    "the SDK's streams of 65537 bytes arrive byte for byte",
    "the SDK's streams of 3000001 bytes arrive byte for byte",
    'aws-chunked keeps the encoding that is the object’s own',
  ],
};

const ours = (test: string, why: string): Judgement => ({ right: 'ours', why, tests: [test] });
const open = (test: string, why: string): Judgement => ({ right: 'no page says', why, tests: [test] });
const lacking = (test: string, why: string): Judgement => ({ right: 'not in ours', why, tests: [test] });

export const judgements: readonly Judgement[] = [
  keys,
  crc32,
  streams,
  ours(
    'If-None-Match: * holds for copies',
    'CopyObject, If-None-Match: 412 when the key is taken. There three copies of three succeed.',
  ),
  ours(
    'CopyObject holds to the conditions on its source',
    'CopyObject: x-amz-copy-source-if-none-match that is false means 412 Precondition Failed. There 304.',
  ),
  ours(
    'UploadPartCopy makes parts of a whole object and of a range, together with sent ones',
    "CopyPartResult: the checksum is that of the part. There a range gets the whole source's.",
  ),
  ours(
    'UploadPartCopy is refused for a range outside of its source, a lost condition, or an unknown upload',
    'UploadPartCopy: a range has the form bytes=first-last. There other forms are taken.',
  ),
  ours(
    'DeleteObjects is silent about success when quiet, and lists what failed without stopping',
    'DeleteObjects: a quiet answer lists errors only, and an ETag that differs is one. There both keys are deleted and listed.',
  ),
  ours('DeleteObjects takes 1000 keys and no more', 'DeleteObjects: up to 1,000 keys. There one more is deleted.'),
  ours(
    'an upload in parts reads by part number, with the checksum of the part',
    'GetObject: x-amz-mp-parts-count comes with partNumber. There it is missing.',
  ),
  ours(
    'a part of an upload without checksum may have a CRC32 of the SDK, which completing must repeat',
    'UploadPart: the algorithm is that of CreateMultipartUpload. There a part with SHA-256 is taken into an upload without; then as for the CRC32 above.',
  ),
  ours(
    'a part has a number from 1 to 10000',
    'CompletedPart: with checksums of parts the numbers start at 1 and are consecutive, else InvalidPartOrder. There part 10,000 alone completes. (Ours said InvalidRequest until this was read.)',
  ),
  ours(
    'lists show parts in pages and uploads by key, until they are aborted',
    'ListMultipartUploads: NextUploadIdMarker is the upload-id-marker of the next page. There its own marker is refused.',
  ),
  ours(
    'a conditional read answers 304 and 412 as the conditions have it, for GET and HEAD',
    'GetObject, If-Modified-Since: an object that was not modified since is 304. There a time in the future is passed over.',
  ),
  ours(
    'a download URL of another secret, or of an unknown key id, is refused',
    '"Error responses": InvalidAccessKeyId, 403. There XAdminUserNotFound, 404.',
  ),
  ours(
    "the SDK's streams in pieces below 8 KiB are refused as S3 refuses them, with the way out",
    'InvalidChunkSizeError is 403 (an answer of AWS in aws/aws-sdk-cpp#2727). There 400.',
  ),
  ours(
    'a body is only asked for when the request is good (Expect: 100-continue)',
    'PutObject, Expect: a message that is rejected for its headers is not sent. There the body for a missing bucket is asked for.',
  ),
  ours(
    'a request that is broken is refused, and the server continues',
    '"Error responses": InvalidURI, 400, when the URI cannot be parsed. There InternalError, 500.',
  ),
  ours(
    'buckets are created, listed, found and deleted when they are empty',
    'CreateBucket: in us-east-1 creating an own bucket again is 200. There 409.',
  ),
  ours('buckets have names that S3 allows', '"Bucket naming rules": no two adjacent periods. There a..b is created.'),
  open(
    'ListObjectsV2 refuses what it cannot read',
    'A max-keys below 0: S3 is known to say InvalidArgument. There the list comes.',
  ),
  open(
    'DeleteObjects deletes nothing when its list is damaged, vouched for by nobody, or no list',
    'An XML that breaks off: MalformedXML ("did not validate against our published schema") is the only name that fits. There InvalidRequest. (For an empty body the list has MissingRequestBodyError; ours said MalformedXML until this was read.)',
  ),
  open(
    'completing the same upload many times at once succeeds once, also while its checksum is computed',
    'CompleteMultipartUpload: NoSuchUpload once it was completed, nothing of requests at the same time. There all ten succeed.',
  ),
  open(
    'completing is refused with parts that are unknown, changed, out of order or missing',
    'Parts out of order, of which the first is also too small: ours says InvalidPartOrder, it EntityTooSmall, and no page says which comes first.',
  ),
  open(
    'aws-chunked with bytes behind the end is refused and stores nothing',
    'The chunk of size 0 is the last. Ours refuses what comes after the trailer, it ignores that.',
  ),
  open(
    'tagging is refused for what is not there, and beyond its bounds',
    'Ten tags at most. Ours says InvalidTag, as PutObjectTagging lists for input that does not pass; it says BadRequest.',
  ),
  {
    ...ours(
      'an upload in parts by URL takes each part only with its SHA-256, and keeps the composite',
      '"Error responses": SignatureDoesNotMatch, 403. There the connection may close before the answer is read, while the body is still sent.',
    ),
    sometimes: true,
  },
  lacking('the SDK is told which algorithms are not computed here', 'Ours computes only those that Tenure uses.'),
  lacking(
    'an operation not implemented is never taken for a plain put, get or delete',
    'Sub-resources of objects: ours says NotImplemented.',
  ),
  lacking(
    'an operation not implemented covers buckets: their versioning and policies, and the old list',
    'Sub-resources of buckets: ours says NotImplemented.',
  ),
  lacking(
    'an operation not implemented covers headers that would change what a write means',
    'Object lock, customer keys, ACLs: ours says NotImplemented.',
  ),
];
