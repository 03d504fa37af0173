import { createHash, type Hash } from 'node:crypto';
import { ByteReader } from './byte-reader.ts';
import { S3Error } from './errors.ts';
import { hmac, type Payload, sameText, sha256 } from './signature.ts';

const MIN_CHUNK_BYTES = 8192;
const EMPTY_SHA256 = sha256('');

/**
 * Takes the aws-chunked framing off a body, piece by piece, and puts the trailers into `trailers` once the data is
 * through:
 * `size[;chunk-signature=…]` CRLF data CRLF …, a chunk of size 0, trailer lines, an empty line. Signatures of chunks
 * and trailers are checked where the payload form has them. Only the last chunk may be below 8 KiB, as in S3.
 */
export async function* decodeChunks(
  source: AsyncIterable<Buffer>,
  payload: Payload,
  trailers: Map<string, string>,
): AsyncGenerator<Buffer> {
  const reader = new ByteReader(source);
  try {
    const isSigned = payload.hash.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD');
    const seal = isSigned ? new Seal(payload) : undefined;
    yield* readChunks(reader, seal);
    await readTrailers(reader, trailers);
    if (payload.hash.endsWith('-TRAILER')) seal?.checkTrailers(trailers);
  } finally {
    await reader.close();
  }
}

async function* readChunks(reader: ByteReader, seal: Seal | undefined): AsyncGenerator<Buffer> {
  let previousSize = MIN_CHUNK_BYTES;
  // The last chunk is the empty one.
  while (previousSize > 0) {
    const { size, signature } = readChunkLine(await reader.line());
    if (size > 0 && previousSize < MIN_CHUNK_BYTES) {
      throw new S3Error('InvalidChunkSizeError', 'Only the last chunk is allowed to have a size less than 8192 bytes', {
        ChunkSize: String(previousSize),
      });
    }
    previousSize = size;
    const hash = seal && createHash('sha256');
    for await (const piece of reader.take(size)) {
      hash?.update(piece);
      yield piece;
    }
    if (seal && hash) seal.checkChunk(hash, signature);
    if (size > 0 && (await reader.line()) !== '') {
      throw new S3Error('IncompleteBody', `A chunk of ${size} bytes does not end with CRLF`);
    }
  }
}

function readChunkLine(line: string | undefined): { size: number; signature: string } {
  const match = /^([0-9a-fA-F]{1,13})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line ?? '');
  if (!match)
    throw new S3Error('IncompleteBody', `The aws-chunked body has "${line ?? 'its end'}" where a chunk begins`);
  return { size: Number.parseInt(match[1] ?? '', 16), signature: match[2] ?? '' };
}

async function readTrailers(reader: ByteReader, trailers: Map<string, string>) {
  // A stream without trailers may end right behind its last chunk: some SDKs leave the empty line out.
  for (let line = await reader.line(); line !== undefined && line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':');
    if (colon < 1)
      throw new S3Error('MalformedTrailerError', `The request contained a trailer that was not well-formed: ${line}`);
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  if ((await reader.line()) !== undefined)
    throw new S3Error('IncompleteBody', 'Bytes follow the end of the aws-chunked body');
}

/** The chain of signatures: each chunk's is derived from the one before, the first from the request's own. */
class Seal {
  #previous: string;
  #payload: Payload;

  constructor(payload: Payload) {
    this.#payload = payload;
    this.#previous = payload.seed.signature;
  }

  checkChunk(hash: Hash, signature: string) {
    this.#check('AWS4-HMAC-SHA256-PAYLOAD', [EMPTY_SHA256, hash.digest('hex')], signature);
  }

  checkTrailers(trailers: Map<string, string>) {
    const signature = trailers.get('x-amz-trailer-signature') ?? '';
    const signed = [...trailers].filter(([name]) => name !== 'x-amz-trailer-signature');
    const text = signed.map(([name, value]) => `${name}:${value}\n`).join('');
    this.#check('AWS4-HMAC-SHA256-TRAILER', [sha256(text)], signature);
  }

  #check(algorithm: string, hashes: string[], signature: string) {
    const { signingKey, date, scope } = this.#payload.seed;
    const toSign = [algorithm, date, scope, this.#previous, ...hashes].join('\n');
    const expected = hmac(signingKey, toSign).toString('hex');
    if (!sameText(expected, signature)) {
      throw new S3Error(
        'SignatureDoesNotMatch',
        'The signature of a chunk or trailer does not match what was received',
        {
          StringToSign: toSign,
        },
      );
    }
    this.#previous = expected;
  }
}
