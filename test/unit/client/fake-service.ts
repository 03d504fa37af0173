import { randomUUID } from 'node:crypto';
import { ProblemError } from '../../../api/problem.ts';
import { leadershipHeld, leadershipLost } from '../../../api/problems/leadership.ts';

export type Step = 'contend' | 'confirm' | 'renew' | 'resign' | 'observe';

/** The fate of one request. */
export type Fault =
  | { kind: 'refused' }
  | { kind: 'answer lost' }
  | { kind: 'no answer' }
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  | { kind: 'slow'; requestMs?: number; answerMs?: number };

export interface SeenRequest {
  readonly step: Step;
  readonly at: number;
  readonly key: string | null;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

interface Holder {
  contenderId: string;
  instanceId: string;
  sessionId: string;
  requestId: string;
  leaseMs: number;
  expiresAt: number;
  address?: string;
  confirmedAt?: number;
}

interface Timing {
  readonly real: number;
  setTimer(ms: number, fire: () => void): () => void;
}

const maxClockSkewMs = 250;

/** The lease rules in memory, by the clock `real` of a ManualTime. A double for tests of the client only. */
export class FakeService {
  version = 0;
  holder: Holder | undefined;
  /** How the last term ended, for a caller with its fence. */
  ended: { version: number; reason: string } = { version: 0, reason: 'expired' };
  /** Sessions that were ever confirmed. */
  readonly confirmed = new Set<string>();
  readonly time: Timing;
  #freeFrom = -1;
  #barred: { instanceId: string; until: number } | undefined;
  /** Set by a test: what an operator asked for. */
  handOver: { successor?: string } | undefined;

  constructor(time: Timing) {
    this.time = time;
  }

  get live(): boolean {
    return this.holder !== undefined && this.holder.expiresAt > this.time.real;
  }

  /** As an operator does without force: the lease can be taken at its old expiry. */
  revoke(): void {
    if (!this.holder) return;
    const { instanceId, expiresAt, leaseMs } = this.holder;
    this.#freeFrom = expiresAt + maxClockSkewMs;
    this.#barred = { instanceId, until: expiresAt + leaseMs };
    this.#end('revoked');
  }

  act(step: Step, body: Record<string, unknown>, headers: Headers): object {
    const real = this.time.real;
    if (step === 'observe') return this.#observe();
    if (step === 'contend') return this.#contend(body, headers.get('Idempotency-Key') ?? '');
    const holder = this.#held(headers, step === 'resign');
    if (step === 'resign') {
      const { instanceId, leaseMs } = holder;
      this.#barred = body['stayOut'] === false ? undefined : { instanceId, until: real + leaseMs };
      this.#end('resigned');
      return {};
    }
    if (typeof body['address'] === 'string') holder.address = body['address'];
    if (step === 'confirm') {
      holder.confirmedAt ??= real;
      this.confirmed.add(holder.sessionId);
      return { confirmedAt: instant(holder.confirmedAt), expiresAt: instant(holder.expiresAt) };
    }
    holder.leaseMs = Number(body['leaseMs'] ?? holder.leaseMs);
    holder.expiresAt = Math.max(holder.expiresAt, real + holder.leaseMs);
    return { expiresAt: instant(holder.expiresAt), ...(this.handOver && { handOver: this.handOver }) };
  }

  #contend({ contenderId, leaseMs, ...body }: Record<string, unknown>, requestId: string): object {
    const { real } = this.time;
    const instanceId = String(body['instanceId'] ?? requestId);
    const mine = this.holder && (this.holder.requestId === requestId || this.holder.instanceId === instanceId);
    if (this.holder && this.live && mine) return this.#grant(this.holder);
    const freeFrom = this.#freeAt;
    if (freeFrom < real && this.#bar?.instanceId === instanceId) {
      const members = { holder: null, retryAfterMs: this.#bar.until - real + 1 };
      throw new ProblemError(leadershipHeld, `Free for others; this process was ${this.ended.reason}.`, members);
    }
    if (freeFrom >= real) {
      const holder = { contenderId: this.holder?.contenderId ?? 'revoked', fencingVersion: this.version };
      const members = { holder, retryAfterMs: freeFrom - real + 10 };
      throw new ProblemError(leadershipHeld, `Held by ${holder.contenderId}; contend again later.`, members);
    }
    if (this.holder) this.#end('expired');
    this.version += 1;
    this.#barred = undefined;
    this.handOver = undefined;
    this.holder = {
      contenderId: String(contenderId),
      instanceId,
      sessionId: randomUUID(),
      requestId,
      leaseMs: Number(leaseMs),
      expiresAt: real + Number(leaseMs),
    };
    return this.#grant(this.holder);
  }

  get #freeAt(): number {
    return this.holder ? this.holder.expiresAt + maxClockSkewMs : this.#freeFrom;
  }

  get #bar() {
    return this.#barred && this.#barred.until >= this.time.real ? this.#barred : undefined;
  }

  #grant({ sessionId, leaseMs, expiresAt }: Holder): object {
    const remainingMs = Math.floor(expiresAt - this.time.real);
    return { fencingVersion: this.version, sessionId, leaseMs, remainingMs, expiresAt: instant(expiresAt) };
  }

  #held(headers: Headers, evenExpired: boolean): Holder {
    const version = Number(headers.get('Fencing-Version'));
    const same = this.holder && version === this.version && headers.get('Leader-Session') === this.holder.sessionId;
    if (this.holder && same && (evenExpired || this.live)) return this.holder;
    const known = this.ended.version === version ? this.ended.reason : 'superseded';
    const reason = same ? 'expired' : known;
    const members = { reason, fencingVersion: this.version };
    throw new ProblemError(
      leadershipLost,
      `Term ${version} is over (${reason}); the group is at ${this.version}.`,
      members,
    );
  }

  #observe(): object {
    const { holder } = this;
    const shown = holder?.confirmedAt !== undefined && this.live;
    const leader = shown && {
      contenderId: holder.contenderId,
      sessionId: holder.sessionId,
      address: holder.address,
      metadata: {},
      confirmedAt: instant(holder.confirmedAt ?? 0),
      expiresAt: instant(holder.expiresAt),
    };
    const availableInMs = Math.max(0, Math.ceil(this.#freeAt + 1 - this.time.real));
    const bar = this.#bar && { barred: { instanceId: this.#bar.instanceId, until: instant(this.#bar.until) } };
    const view = { leader: leader || null, fencingVersion: this.version, pending: this.live && !shown, addresses: {} };
    return { ...view, availableInMs, ...bar, ...(holder && { instanceId: holder.instanceId }) };
  }

  #end(reason: string): void {
    this.ended = { version: this.version, reason };
    this.holder = undefined;
  }
}

/** One process's connection to the service, with faults of its own. */
export class FakeLink {
  readonly requests: SeenRequest[] = [];
  readonly #faults: { step: Step; fault: Fault }[] = [];
  offline = false;
  /** How long a request, and its answer, are on their way. */
  latencyMs = 0;
  /** While set, no answer reaches the process: it is frozen. */
  thawed: Promise<void> | undefined;

  constructor(
    readonly service: FakeService,
    /** Timers of the network; it runs while a process is frozen. */
    readonly network: Timing = service.time,
  ) {}

  /** The next request of this step meets the fault. */
  next(step: Step, fault: Fault): void {
    this.#faults.push({ step, fault });
  }

  count(step: Step): number {
    return this.requests.filter((request) => request.step === step).length;
  }

  readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
    const last = new URL(String(input)).pathname.split('/').at(-1);
    const step: Step = last === 'leadership' ? 'observe' : (last as Step);
    const headers = new Headers(init.headers);
    const body = JSON.parse(String(init.body ?? '{}')) as Record<string, unknown>;
    this.requests.push({ step, at: this.network.real, key: headers.get('Idempotency-Key'), headers, body });
    if (this.offline) throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    const at = this.#faults.findIndex((fault) => fault.step === step);
    const fault = at < 0 ? undefined : this.#faults.splice(at, 1)[0]?.fault;
    const answer = this.#answer(step, body, headers, fault);
    const { signal } = init;
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.#untilThawed(answer).then(resolve, reject);
    });
  };

  async #untilThawed(answer: Promise<Response>): Promise<Response> {
    await Promise.allSettled([answer]);
    await this.thawed;
    return answer;
  }

  async #answer(step: Step, body: Record<string, unknown>, headers: Headers, fault?: Fault): Promise<Response> {
    if (fault?.kind === 'refused') throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    if (fault?.kind === 'status') return new Response(fault.body ?? '', fault);
    if (fault?.kind === 'no answer') await new Promise(() => {});
    await this.#pass(this.latencyMs + (fault?.kind === 'slow' ? (fault.requestMs ?? 0) : 0));
    const response = this.#carryOut(step, body, headers);
    if (fault?.kind === 'answer lost') throw new TypeError('fetch failed', { cause: new Error('read ECONNRESET') });
    await this.#pass(this.latencyMs + (fault?.kind === 'slow' ? (fault.answerMs ?? 0) : 0));
    return response;
  }

  #carryOut(step: Step, body: Record<string, unknown>, headers: Headers): Response {
    try {
      return Response.json(this.service.act(step, body, headers));
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return new Response(JSON.stringify(error), { status: error.kind.status });
    }
  }

  #pass(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => this.network.setTimer(ms, resolve));
  }
}

function instant(real: number): string {
  return new Date(real).toISOString();
}
