import { TenureError } from '../tenure-error.ts';
import { sleep, type Time } from '../time.ts';

/** How bytes go to and from S3. */
export interface Transfer {
  readonly fetch: typeof globalThis.fetch;
  readonly time: Time;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

const tries = 6;
const firstPauseMs = 200;
const longestPauseMs = 5_000;

/** What S3 refused, or could not be asked. */
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

  /** Whether another try, with a fresh URL, can succeed: no answer, throttling, an unavailable S3, an expired URL, bytes hurt on the way. */
  get isPassing(): boolean {
    return this.status === 0 || this.status >= 500 || [400, 403, 408, 429].includes(this.status);
  }
}

/** Tries a transfer again, with a pause that grows, while what went wrong may pass. `tried` may give up earlier. */
export async function persistently<Value>(
  { time, random, signal }: Transfer,
  what: string,
  attempt: () => Promise<Value>,
): Promise<Value> {
  for (let tried = 1; ; tried += 1) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransferError)) throw error;
      if (!error.isPassing || tried === tries) throw transferFailed(what, error, tried);
      await sleep(time, random() * Math.min(longestPauseMs, firstPauseMs * 2 ** tried), signal);
    }
  }
}

function transferFailed(what: string, cause: TransferError, tried: number): TenureError {
  const times = tried === 1 ? '' : ` ${tried} times`;
  return new TenureError(
    `${what} failed${times}: ${cause.message}. Check the network to S3 and try again.`,
    { code: 'transfer_failed', status: cause.status, retryable: cause.isPassing, request: what },
    { cause },
  );
}

/** Sends one request to S3. @throws TransferError unless it is answered with a success. */
export async function askS3({ fetch, signal }: Transfer, url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal, duplex: 'half' } as RequestInit);
  } catch (cause) {
    signal.throwIfAborted();
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new TransferError(`S3 at ${new URL(url).origin} cannot be reached (${reason})`, 0, { cause });
  }
  if (response.ok) return response;
  const text = await response.text().catch(() => '');
  const [, code = response.statusText] = /<Code>([^<]{1,64})<\/Code>/.exec(text) ?? [];
  throw new TransferError(`S3 answered ${response.status} ${code}`, response.status);
}
