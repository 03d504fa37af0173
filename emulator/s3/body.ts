import { createHash } from 'node:crypto';
import { type Algorithm, digestOf, findChecksum, newHasher, readAlgorithm, requireDigest } from './checksums.ts';
import { decodeChunks } from './chunked.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';
import type { Payload } from './signature.ts';

/** The received and verified body; `checksum` is of the algorithm that the client named, or that was asked for. */
export interface Received {
  size: number;
  /** Hex. */
  md5: string;
  /** `given` tells a value that the client sent, and that was right, from one only computed here. */
  checksum: { algorithm: Algorithm; value: string; given: boolean } | undefined;
}

interface Options {
  payload: Payload;
  maxBytes: number;
  /** Compute this algorithm although the client named none. */
  algorithm?: Algorithm | undefined;
  /** The x-amz-checksum-* headers speak of something else than this body. */
  ignoreChecksumHeaders?: boolean;
}

const XML_LIMIT_BYTES = 8 * 1024 * 1024;

/**
 * Passes the request's body to `write`, piece by piece, and then checks everything that the request says about it:
 * length, x-amz-content-sha256, Content-MD5, checksum in header or trailer. Only headers and trailers count: a checksum
 * that a presigner moved into the query is ignored, as in S3. The caller must throw away what it wrote when this
 * throws.
 */
export async function receiveBody(
  request: S3Request,
  options: Options,
  write: (piece: Buffer) => Promise<void>,
): Promise<Received> {
  const { payload } = options;
  const isChunked = payload.hash.startsWith('STREAMING-');
  const length = declaredLength(request, isChunked);
  if (length > options.maxBytes) {
    throw new S3Error('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
      ProposedSize: String(length),
      MaxSizeAllowed: String(options.maxBytes),
    });
  }
  const expected = options.ignoreChecksumHeaders ? undefined : expectedChecksum(request, options.algorithm);
  const contentMd5 = expectedMd5(request);
  const md5 = createHash('md5');
  const sha256 = /^[0-9a-f]{64}$/.test(payload.hash) ? createHash('sha256') : undefined;
  const checksum = expected && newHasher(expected.algorithm);
  const trailers = new Map<string, string>();

  request.beginBody();
  // Leaving the loop early must not destroy the socket: the client still has to get the error.
  const raw: AsyncIterable<Buffer> = request.message.iterator({ destroyOnReturn: false });
  let size = 0;
  for await (const piece of isChunked ? decodeChunks(raw, payload, trailers) : raw) {
    size += piece.length;
    if (size > length) break;
    md5.update(piece);
    sha256?.update(piece);
    checksum?.update(piece);
    await write(piece);
  }
  if (size !== length) {
    throw new S3Error('IncompleteBody', 'The number of bytes received differs from the length that was announced', {
      NumberBytesExpected: String(length),
      NumberBytesProvided: String(size),
    });
  }
  if (sha256) {
    const computed = sha256.digest('hex');
    if (computed !== payload.hash) {
      throw new S3Error(
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        { ClientComputedContentSHA256: payload.hash, S3ComputedContentSHA256: computed },
      );
    }
  }
  const md5Hex = md5.digest('hex');
  if (contentMd5 !== undefined && contentMd5 !== md5Hex) throw badDigest('Content-MD5', contentMd5, md5Hex);
  if (!expected || !checksum) return { size, md5: md5Hex, checksum: undefined };

  const value = (await digestOf(checksum)).toString('base64');
  const given = expected.inTrailer ? trailerValue(trailers, expected.algorithm) : expected.value;
  if (given !== undefined && given !== value) throw badDigest(expected.algorithm, given, value);
  return { size, md5: md5Hex, checksum: { algorithm: expected.algorithm, value, given: given !== undefined } };
}

/** Reads a small document (XML) whole, checked like any body. Also says whether its integrity was vouched for. */
export async function readDocument(
  request: S3Request,
  payload: Payload,
  options: { ignoreChecksumHeaders?: boolean } = {},
): Promise<{ text: Buffer; isVouched: boolean }> {
  const pieces: Buffer[] = [];
  const received = await receiveBody(request, { payload, maxBytes: XML_LIMIT_BYTES, ...options }, async (piece) => {
    pieces.push(piece);
  });
  const isVouched = received.checksum?.given === true || request.headers.has('content-md5');
  return { text: Buffer.concat(pieces), isVouched };
}

function declaredLength(request: S3Request, isChunked: boolean): number {
  const name = isChunked ? 'x-amz-decoded-content-length' : 'content-length';
  const text = request.headers.get(name);
  if (text === undefined && !isChunked && !request.headers.has('transfer-encoding')) return 0;
  if (text === undefined || !/^\d{1,15}$/.test(text)) {
    throw new S3Error('MissingContentLength', `You must provide the Content-Length HTTP header (${name})`);
  }
  return Number(text);
}

interface ExpectedChecksum {
  algorithm: Algorithm;
  value: string | undefined;
  inTrailer: boolean;
}

function expectedChecksum(request: S3Request, computed: Algorithm | undefined): ExpectedChecksum | undefined {
  const inHeader = findChecksum(request.headers);
  const trailer = request.headers.get('x-amz-trailer')?.trim().toLowerCase();
  const announced = request.headers.get('x-amz-sdk-checksum-algorithm');
  if (inHeader && trailer) {
    throw new S3Error(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  if (inHeader) {
    requireDigest(inHeader.algorithm, inHeader.value);
    return { ...inHeader, inTrailer: false };
  }
  if (trailer) {
    if (!trailer.startsWith('x-amz-checksum-')) {
      throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported');
    }
    return { algorithm: readAlgorithm(trailer.slice('x-amz-checksum-'.length)), value: undefined, inTrailer: true };
  }
  if (announced && !request.headers.has('content-md5')) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  return computed && { algorithm: computed, value: undefined, inTrailer: false };
}

function trailerValue(trailers: Map<string, string>, algorithm: Algorithm): string {
  const found = findChecksum(trailers);
  if (found?.algorithm !== algorithm) {
    throw new S3Error(
      'MalformedTrailerError',
      `The request announced a trailer with ${algorithm} and sent ${found?.algorithm ?? 'none'}`,
    );
  }
  requireDigest(found.algorithm, found.value);
  return found.value;
}

/** The Content-MD5 header in hex. */
function expectedMd5(request: S3Request): string | undefined {
  const header = request.headers.get('content-md5');
  if (header === undefined) return undefined;
  const digest = Buffer.from(header, 'base64');
  if (digest.length !== 16 || digest.toString('base64') !== header) {
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified was invalid.', { 'Content-MD5': header });
  }
  return digest.toString('hex');
}

function badDigest(algorithm: string, given: string, computed: string): S3Error {
  return new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`, {
    ExpectedDigest: given,
    CalculatedDigest: computed,
  });
}
