import type * as z from 'zod/mini';
import type { Operation } from '../api/operation.ts';
import * as leadership from '../api/operations/leadership.ts';
import { health } from '../api/operations/service.ts';
import { type Carrier, httpCarrier } from './carrier.ts';
import type { AnyRequest, CallOptions, CallRequest, Fence } from './request.ts';
import { withRetries } from './retry.ts';
import { systemTime, type Time } from './time.ts';
import type { CredentialsProvider, PreparedRequest } from './transport.ts';

export interface TenureClientOptions {
  /** Address of the API, the stack's output ApiUrl; TENURE_URL or that of `npm start` unless given. */
  readonly url?: string | undefined;
  /** Given, every request is signed with SigV4; API Gateway wants it, the embedded stack does not. */
  readonly credentials?: CredentialsProvider;
  /** Region that signatures name; read from an execute-api URL unless given. */
  readonly region?: string;
  /** Longest wait for one try, ms; 10,000 unless given. */
  readonly timeoutMs?: number;
  /** Longest time for all tries of a call, ms; 30,000 unless given. */
  readonly deadlineMs?: number;
  readonly fetch?: typeof globalThis.fetch;
  readonly time?: Time;
  readonly random?: () => number;
  /** Carries out the calls in place of HTTP: `tableClient` gives it. */
  readonly carrier?: Carrier;
}

/** Where `npm start` answers. */
export const localUrl = 'http://127.0.0.1:8787';

type Body<Declared extends Operation> = z.input<Declared['body']>;

/**
 * The HTTP API as typed calls. A call tries again by itself, under the same Idempotency-Key, what says nothing about
 * the request (no answer, throttling, an unavailable store), and throws a TenureError otherwise.
 *
 * @example
 * ```ts
 * import { TenureClient } from 'tenure';
 *
 * const client = new TenureClient({ url: 'http://127.0.0.1:8787', timeoutMs: 5_000 });
 * const { leader, fencingVersion } = await client.observe('orders');
 * console.log(leader?.address, fencingVersion);
 * ```
 */
export class TenureClient {
  /** The address of the API; `table:my-leases` in direct mode. */
  readonly url: string;
  /** `direct`: every call is a request to DynamoDB, see `tableClient`. */
  readonly mode: Carrier['mode'];
  readonly time: Time;
  readonly random: () => number;
  /** Also for what goes past the API, straight to S3. */
  readonly fetch: typeof globalThis.fetch;
  readonly #carrier: Carrier;
  readonly #timeoutMs: number;
  readonly #deadlineMs: number;

  /** @throws TypeError when the URL is none, or when the region of the signature is not known. */
  constructor(options: TenureClientOptions = {}) {
    const { credentials, region, time = systemTime, timeoutMs = 10_000, deadlineMs = 30_000 } = options;
    this.time = time;
    this.random = options.random ?? Math.random;
    this.fetch = options.fetch ?? globalThis.fetch;
    this.#timeoutMs = timeoutMs;
    this.#deadlineMs = deadlineMs;
    this.#carrier = options.carrier ?? this.#http(options.url, credentials, region);
    this.url = this.#carrier.url;
    this.mode = this.#carrier.mode;
  }

  #http(given: string | undefined, credentials: CredentialsProvider | undefined, region: string | undefined): Carrier {
    const { fetch, time } = this;
    const url = new URL(given ?? (globalThis.process?.env['TENURE_URL'] || localUrl)).href.replace(/\/+$/, '');
    return httpCarrier(url, { fetch, time, signing: credentials && { credentials, region: region ?? regionOf(url) } });
  }

  /** Carries out any operation of the catalogue; the compiler knows what it takes and answers. */
  async call<const Declared extends Operation>(
    operation: Declared,
    request: CallRequest<Declared>,
  ): Promise<z.output<Declared['answer']>> {
    const given: AnyRequest = request;
    const send = this.#carrier.begin(operation, given);
    const policy = {
      time: this.time,
      random: this.random,
      timeoutMs: given.timeoutMs ?? this.#timeoutMs,
      deadlineMs: given.deadlineMs ?? this.#deadlineMs,
      retry: given.retry ?? true,
      signal: given.signal,
    };
    return withRetries(policy, (timeoutMs) => send(timeoutMs) as Promise<z.output<Declared['answer']>>);
  }

  /**
   * The request of an operation, ready to be sent by something else, for instance a process that outlives this one. On
   * AWS its signature is accepted for five minutes.
   */
  async prepare<const Declared extends Operation>(
    operation: Declared,
    request: CallRequest<Declared>,
  ): Promise<PreparedRequest> {
    const given: AnyRequest = request;
    const signal = given.signal ?? AbortSignal.timeout(given.timeoutMs ?? this.#timeoutMs);
    return this.#carrier.prepare(operation, given, signal);
  }

  /** Every item of a list, page by page as they are consumed. */
  async *items<Item>(
    operation: Operation<
      z.ZodMiniType,
      z.ZodMiniType,
      z.ZodMiniType,
      z.ZodMiniType<{ items: Item[]; nextCursor?: string | undefined }>
    >,
    request: Omit<AnyRequest, 'query'> & { readonly query?: Readonly<Record<string, unknown>> },
  ): AsyncGenerator<Item> {
    let cursor: string | undefined;
    do {
      const query = { ...request.query, ...(cursor !== undefined && { cursor }) };
      const page: { items: Item[]; nextCursor?: string | undefined } = await this.call(operation, {
        ...request,
        query,
      } as never);
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  /** Asks for the lease. 409 `leadership_held` with `holder` and `retryAfterMs` when another has it. */
  contend(group: string, body: Body<typeof leadership.contend>, options: CallOptions = {}) {
    return this.call(leadership.contend, { ...options, params: { group }, body });
  }

  /** Publishes the leader. 409 `leadership_lost` with `reason` when the term has ended, as of every fenced call. */
  confirm(group: string, fence: Fence, body: Body<typeof leadership.confirm>, options: CallOptions = {}) {
    return this.call(leadership.confirm, { ...options, params: { group }, fence, body });
  }

  renew(group: string, fence: Fence, body: Body<typeof leadership.renew>, options: CallOptions = {}) {
    return this.call(leadership.renew, { ...options, params: { group }, fence, body });
  }

  resign(group: string, fence: Fence, body: Body<typeof leadership.resign> = {}, options: CallOptions = {}) {
    return this.call(leadership.resign, { ...options, params: { group }, fence, body });
  }

  /** Ends another's term as an operator; the version says which term was seen. */
  revoke(group: string, body: Body<typeof leadership.revoke>, options: CallOptions = {}) {
    return this.call(leadership.revoke, { ...options, params: { group }, body });
  }

  /** Asks the leader to resign, in favour of the successor if there is one: it hears of it with its next renewal. */
  handOver(group: string, body: Body<typeof leadership.handOver>, options: CallOptions = {}) {
    return this.call(leadership.handOver, { ...options, params: { group }, body });
  }

  /** Publishes where a part of the application is reached, in place of the address before; it goes with the term. */
  publishAddress(group: string, fence: Fence, name: string, address: string, options: CallOptions = {}) {
    return this.call(leadership.publishAddress, { ...options, params: { group, name }, fence, body: { address } });
  }

  withdrawAddress(group: string, fence: Fence, name: string, options: CallOptions = {}) {
    return this.call(leadership.withdrawAddress, { ...options, params: { group, name }, fence });
  }

  /** The confirmed leader or none; `consistent` reads what was written last. */
  observe(group: string, { consistent = false, ...options }: CallOptions & { readonly consistent?: boolean } = {}) {
    return this.call(leadership.observe, { ...options, params: { group }, query: { consistent: `${consistent}` } });
  }

  health(options: CallOptions = {}) {
    return this.call(health, options);
  }
}

function regionOf(url: string): string {
  const region = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(new URL(url).hostname)?.[1];
  if (region) return region;
  throw new TypeError(`The region is not known from ${url}: give it, a signature names it.`);
}
