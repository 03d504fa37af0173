import type * as z from 'zod/mini';
import type { Operation } from '../api/operation.ts';
import * as leadership from '../api/operations/leadership.ts';
import { health } from '../api/operations/service.ts';
import { type Carrier, httpCarrier } from './carrier.ts';
import type { AnyRequest, CallOptions, CallRequest, Fence } from './request.ts';
import { withRetries } from './retry.ts';
import { RetryBudget } from './retry-budget.ts';
import { loadTelemetry, record } from './telemetry.ts';
import { TenureError } from './tenure-error.ts';
import { systemTime, type Time } from './time.ts';
import type { CredentialsProvider, PreparedRequest } from './transport.ts';

export interface TenureClientOptions {
  /**
   * Address of the API, the stack's output ApiUrl. @defaultValue TENURE_URL; else the output of the stack; else that of
   * `npm start`
   */
  readonly url?: string | undefined;
  /**
   * Name of the CloudFormation stack whose output ApiUrl is the address, read with the first call. @defaultValue
   * TENURE_STACK
   */
  readonly stack?: string | undefined;
  /**
   * Credentials that requests are signed with (SigV4). @defaultValue the default chain of the AWS SDKs, for an
   * `execute-api` address, a stack, and wherever a Region is given; elsewhere requests are not signed
   */
  readonly credentials?: CredentialsProvider;
  /**
   * The Region that signatures name, and that of the stack; a custom domain needs it. @defaultValue read from an
   * `execute-api` address, else TENURE_REGION
   */
  readonly region?: string;
  /** Longest wait for one try, ms; 10,000 unless given. */
  readonly timeoutMs?: number;
  /** Longest time for all tries of a call, ms; 30,000 unless given. */
  readonly deadlineMs?: number;
  readonly fetch?: typeof globalThis.fetch;
  /** Receives a line for each try of a call, in the shape of pino: members, then a message. `console` will do, too. */
  readonly logger?: Logger;
  readonly time?: Time;
  readonly random?: () => number;
  /** Carries out the calls in place of HTTP: `tableClient` gives it. */
  readonly carrier?: Carrier;
}

/** Where the library reports what it does. */
export interface Logger {
  debug(members: object, message: string): void;
  warn(members: object, message: string): void;
}

/** Where `npm start` answers. */
export const localUrl = 'http://127.0.0.1:8787';

export interface ObserveOptions extends CallOptions {
  readonly consistent?: boolean;
  /** The contender that looks because it waits. */
  readonly waiting?: string;
  /** The `revision` of the view that was seen last: the answer is held until there is another. */
  readonly afterRevision?: string;
  /** In its place: the answer is held until the group's fencing version is above this one. */
  readonly afterVersion?: number;
  /** Longest time to hold the answer, ms, at most 20,000. @defaultValue 0 */
  readonly waitMs?: number;
}

/** Time that a held request may take beyond its wait, ms. */
const waitAllowanceMs = 10_000;

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
  /** `direct`: every call is a request to DynamoDB, see `tableClient`. */
  readonly mode: Carrier['mode'];
  readonly time: Time;
  readonly random: () => number;
  /** Also for what goes past the API, straight to S3. */
  readonly fetch: typeof globalThis.fetch;
  readonly #options: TenureClientOptions;
  readonly #stack: string | undefined;
  readonly #timeoutMs: number;
  readonly #deadlineMs: number;
  readonly #budget: RetryBudget;
  #carrier: Carrier | undefined;
  #finding: Promise<Carrier> | undefined;

  /** @throws TypeError when the URL is none, or when the region of the signature is not known. */
  constructor(options: TenureClientOptions = {}) {
    const env = globalThis.process?.env ?? {};
    this.#options = options;
    void loadTelemetry();
    this.time = options.time ?? systemTime;
    this.random = options.random ?? Math.random;
    this.fetch = options.fetch ?? globalThis.fetch;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#deadlineMs = options.deadlineMs ?? 30_000;
    this.#budget = new RetryBudget(this.time);
    this.mode = options.carrier?.mode ?? 'api';
    const url = options.url ?? (options.stack ? undefined : env['TENURE_URL'] || undefined);
    this.#stack = url === undefined ? (options.stack ?? (env['TENURE_STACK'] || undefined)) : undefined;
    this.#carrier = options.carrier;
    if (this.#carrier || this.#stack !== undefined) return;
    // That of the environment belongs to the address of the environment.
    this.#carrier = this.#http(url ?? localUrl, options.region ?? (options.url ? undefined : env['TENURE_REGION']));
  }

  /**
   * The address of the API; `table:my-leases` in direct mode. One that comes from the outputs of a stack is known after
   * the first call, or `locate()`.
   *
   * @throws TypeError before.
   */
  get url(): string {
    if (this.#carrier) return this.#carrier.url;
    throw new TypeError(`The address comes from the stack ${this.#stack}: await client.locate() first.`);
  }

  /** Reads the address from the outputs of the stack, unless it is known, and returns it. */
  async locate(): Promise<string> {
    return (await this.#findCarrier()).url;
  }

  #findCarrier(): Promise<Carrier> | Carrier {
    if (this.#carrier) return this.#carrier;
    this.#finding ??= this.#find(this.#stack ?? '').catch((error: unknown) => {
      this.#finding = undefined;
      throw error;
    });
    return this.#finding;
  }

  async #find(stack: string): Promise<Carrier> {
    const { readStack } = await import('./aws.ts');
    const given = this.#options.region ?? (process.env['TENURE_REGION'] || undefined);
    const { outputs, region } = await readStack(stack, given);
    const url = outputs.get('ApiUrl');
    if (url) {
      this.#carrier = this.#http(url, region);
      return this.#carrier;
    }
    const names = [...outputs.keys()].join(', ') || 'none';
    const message = `The stack ${stack} has no output ApiUrl (it has: ${names}): is it a stack of Tenure?`;
    const facts = { code: 'not_found', status: 0, retryable: false, request: `DescribeStacks ${stack}` };
    throw new TenureError(message, facts);
  }

  #http(address: string, given: string | undefined): Carrier {
    const url = new URL(address).href.replace(/\/+$/, '');
    const region = given || regionOf(url);
    const { credentials = region ? chain() : undefined } = this.#options;
    if (credentials && !region) {
      throw new TypeError(`Cannot infer the AWS Region from ${url}; pass \`region\` (required for signing).`);
    }
    const signing = credentials && region ? { credentials, region } : undefined;
    return httpCarrier(url, { fetch: this.fetch, time: this.time, signing });
  }

  /** Carries out any operation of the catalogue; the compiler knows what it takes and answers. */
  async call<const Declared extends Operation>(
    operation: Declared,
    request: CallRequest<Declared>,
  ): Promise<z.output<Declared['answer']>> {
    const given: AnyRequest = request;
    return record(operation, given.params as Readonly<Record<string, unknown>> | undefined, () =>
      this.#tryUntilAnswered(operation, given),
    );
  }

  async #tryUntilAnswered<Declared extends Operation>(
    operation: Declared,
    given: AnyRequest,
  ): Promise<z.output<Declared['answer']>> {
    const send = (this.#carrier ?? (await this.#findCarrier())).begin(operation, given);
    const policy = {
      time: this.time,
      random: this.random,
      timeoutMs: given.timeoutMs ?? this.#timeoutMs,
      deadlineMs: given.deadlineMs ?? this.#deadlineMs,
      retry: given.retry ?? true,
      budget: operation.servedBy === 'lease' ? undefined : this.#budget,
      signal: given.signal,
    };
    return withRetries(policy, async (timeoutMs) => {
      const startedAt = this.time.monotonic();
      try {
        const answer = (await send(timeoutMs)) as z.output<Declared['answer']>;
        this.#log('debug', operation, startedAt, {});
        return answer;
      } catch (error) {
        const { code, status = 500 } = error instanceof TenureError ? error : {};
        this.#log(status >= 400 && status < 500 ? 'debug' : 'warn', operation, startedAt, { status, code });
        throw error;
      }
    });
  }

  #log(level: keyof Logger, { method, path }: Operation, startedAt: number, members: object): void {
    const elapsedMs = Math.round(this.time.monotonic() - startedAt);
    const request = `${method} ${path}`;
    this.#options.logger?.[level]({ request, elapsedMs, ...members }, `tenure: ${request}`);
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
    return (await this.#findCarrier()).prepare(operation, given, signal);
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

  /**
   * The confirmed leader or none; `consistent` reads what was written last, `waiting` tells who looks because it waits.
   * With `waitMs` the answer is held for at most as long, until there is something after what was seen.
   */
  observe(group: string, { consistent = false, waiting, ...rest }: ObserveOptions = {}) {
    const { afterRevision, afterVersion, waitMs = 0, ...options } = rest;
    const after = { ...(afterRevision && { afterRevision }), ...(afterVersion !== undefined && { afterVersion }) };
    const waits = waitMs > 0 && { waitMs, ...after };
    const patience = waitMs + waitAllowanceMs;
    return this.call(leadership.observe, {
      ...(waits && { timeoutMs: patience, deadlineMs: patience * 2 }),
      ...options,
      params: { group },
      query: { consistent: `${consistent}`, ...(waiting !== undefined && { waiting }), ...waits },
    });
  }

  health(options: CallOptions = {}) {
    return this.call(health, options);
  }
}

function regionOf(url: string): string | undefined {
  return /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(new URL(url).hostname)?.[1];
}

/** The default chain, which is loaded with the first request and asked before each. */
function chain(): CredentialsProvider {
  let provider: Promise<CredentialsProvider> | undefined;
  return async () => {
    provider ??= import('./aws.ts').then(({ defaultCredentials }) => defaultCredentials());
    return (await provider)();
  };
}
