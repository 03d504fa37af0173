import { TenureError } from '../tenure-error.ts';
import { sleep, type Time } from '../time.ts';
import type { PutAnswer, S3 } from './s3.ts';
import type { Block } from './source.ts';

/** How bytes go to and from S3. */
export interface Transfer {
  readonly s3: S3;
  readonly time: Time;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

interface Signed {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const tries = 6;
const firstPauseMs = 200;
const longestPauseMs = 5_000;

/** A transfer that S3 refused, or for which it could not be reached. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
  constructor(
    message: string,
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /**
   * Whether another try, with a fresh URL, can succeed: no answer, throttling, an unavailable S3, an expired URL, bytes
   * hurt on the way, another try that S3 still works on.
   */
  get isPassing(): boolean {
    return this.status === 0 || this.status >= 500 || [400, 403, 408, 409, 429].includes(this.status);
  }
}

/** Tries a transfer again, with a pause that grows, while what went wrong may pass. */
export async function persistently<Value>(
  { time, random, signal }: Transfer,
  what: string,
  attempt: () => Promise<Value>,
): Promise<Value> {
  const tryOnce = async (tried: number) => {
    signal.throwIfAborted();
    try {
      return { value: await attempt() };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransferError)) throw error;
      if (!error.isPassing || tried === tries) throw transferFailed(what, error, tried);
      return undefined;
    }
  };
  let tried = 1;
  let done = await tryOnce(tried);
  while (!done) {
    await sleep(time, random() * Math.min(longestPauseMs, firstPauseMs * 2 ** tried), signal);
    tried += 1;
    done = await tryOnce(tried);
  }
  return done.value;
}

function transferFailed(what: string, cause: TransferError, tried: number): TenureError {
  const times = tried === 1 ? '' : ` ${tried} times`;
  return new TenureError(
    `${what} failed${times}: ${cause.message}. Check the network to S3 and try again.`,
    { code: 'transfer_failed', status: cause.status, retryable: cause.isPassing, request: what },
    { cause },
  );
}

/** Writes a block to its signed URL. @throws TransferError unless S3 has taken it. */
export async function putBlock({ s3, signal }: Transfer, { url, headers }: Signed, block: Block): Promise<PutAnswer> {
  const answer = await s3.put(url, headers, block, signal).catch((cause: unknown) => unanswered(url, cause));
  if (answer.status === 200) return answer;
  throw refused(answer.status, answer.text);
}

/**
 * The same to a URL that takes one object only: 412 means that an earlier try, whose answer was lost, has written it.
 */
export async function putOnce(transfer: Transfer, signed: Signed, block: Block): Promise<void> {
  await putBlock(transfer, signed, block).catch((error: unknown) => {
    if (!(error instanceof TransferError && error.status === 412)) throw error;
  });
}

/** An answer of S3 whose bytes have begun to come. */
export interface Arriving {
  readonly status: number;
  /** As many as S3 has promised. */
  readonly bytes: number;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/**
 * Begins to read from a signed URL, from this byte on. An answer that breaks off before its first byte is none.
 * @throws TransferError unless S3 answers with the bytes.
 */
export async function getFrom({ s3, signal }: Transfer, url: string, from: number): Promise<Arriving> {
  const range: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
  const response = await s3.get(url, range, signal).catch((cause: unknown) => unanswered(url, cause));
  if (!response.ok) throw refused(response.status, await response.text().catch(() => ''));
  const body: AsyncIterable<Uint8Array> = response.body ?? none();
  const pieces = body[Symbol.asyncIterator]();
  const first = await pieces.next().catch((cause: unknown) => {
    if (isBrokenConnection(cause)) return unanswered(url, cause);
    throw cause;
  });
  const bytes = Number(response.headers.get('content-length'));
  return { status: response.status, bytes, pieces: continueWith(first, pieces) };
}

async function* none(): AsyncGenerator<never> {}

async function* continueWith(first: IteratorResult<Uint8Array>, rest: AsyncIterator<Uint8Array>) {
  try {
    for (let next = first; !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** Thrown by fetch when a body ends early. */
export function isBrokenConnection(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && 'code' in error && error.code === 'UND_ERR_SOCKET');
}

function unanswered(url: string, cause: unknown): never {
  const { message, code } = ((cause as Error)?.cause ?? cause) as Error & { code?: string };
  throw new TransferError(`S3 at ${new URL(url).origin} cannot be reached (${code ?? message})`, 0, { cause });
}

function refused(status: number, text: string): TransferError {
  const [, code = 'without a reason'] = /<Code>([^<]{1,64})<\/Code>/.exec(text) ?? [];
  return new TransferError(`S3 answered ${status} ${code}`, status);
}
