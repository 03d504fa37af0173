import { randomUUID } from 'node:crypto';
import { tableClient } from '../direct/table-client.ts';
import type { TableOptions } from '../direct/table-options.ts';
import type { Fence } from '../request.ts';
import type { TenureClient } from '../tenure-client.ts';
import { sleep } from '../time.ts';
import { contendUntilGranted } from './contend.ts';
import { defaultAddress, defaultContenderId } from './contender-id.ts';
import { Announcer, type ElectorEvents, type LeaderWork } from './events.ts';
import { carryOut, keepRenewing, type Lead, type Publication, type Resignation } from './hold.ts';
import { lossOf } from './loss.ts';
import { type CheckedSettings, checkNames, checkSettings, type LeaseSettings } from './settings.ts';
import { type Grant, Term } from './term.ts';

export interface LeaderElectorOptions extends LeaseSettings, ElectorEvents, LeaderWork, Publication {
  /** The client of the API, or of a table (`tableClient`). Give it or `table`. */
  readonly client?: TenureClient;
  /**
   * Direct mode: the DynamoDB table that holds the leases, by its name or with how it is reached. No API is needed, see
   * docs/direct.md. Give it or `client`.
   */
  readonly table?: string | TableOptions;
  readonly group: string;
  /**
   * The name of this contender for people and for hand-overs; host, process id and a random part unless given.
   */
  readonly contenderId?: string;
  /**
   * Tells processes of one contender id apart; random unless given. Electors that follow each other in one process may
   * share it.
   */
  readonly instanceId?: string;
  /**
   * False: what the elector gives back by itself, because the work failed or is done, it may take again at once. True
   * unless given.
   */
  readonly stayOut?: boolean;
  /** False ends the elector with its first term, instead of contending again. */
  readonly contendAgain?: boolean;
  /**
   * Session of the last term of an elector before this one, of the same instance: if the service hands it back, it is
   * given back.
   */
  readonly previousSessionId?: string | undefined;
}

interface Held extends Lead {
  /** Settles with prepare and lead; never rejects. */
  working?: Promise<void>;
  /** Settles with onGranted. */
  granted?: Promise<void>;
  /** Settles with onRevoked. */
  revoked?: Promise<void>;
  /** Resolves when the lease has been given back. */
  readonly released: Promise<void>;
}

/**
 * Takes part in the election of a group's leader.
 *
 * It does not guarantee that no other process believes at the same moment that it leads: a frozen process does not know
 * that its lease ran out. Work that must not happen twice has to carry the term as its fence, and the store that guards
 * it refuses an older one. Clocks may differ by maxClockSkewMs before two leaders can overlap; beyond it only that
 * overlap can occur, never a successful write with an old fence.
 *
 * @example
 * ```ts
 * import { LeaderElector, TenureClient } from 'tenure';
 *
 * const elector = new LeaderElector({
 *   client: new TenureClient(),
 *   group: 'orders',
 *   leaseMs: 15_000,
 *   lead: async (term) => {
 *     while (term.isLeader()) console.log(`version ${term.fencingVersion}: one step of the work`);
 *   },
 * });
 * elector.start();
 * process.once('SIGTERM', () => void elector.close());
 * ```
 */
export class LeaderElector {
  readonly group: string;
  readonly contenderId: string;
  readonly instanceId: string;
  readonly #options: LeaderElectorOptions;
  readonly #client: TenureClient;
  readonly #settings: CheckedSettings;
  readonly #announcer: Announcer;
  readonly #publication: Lead['publication'];
  readonly #closing = new AbortController();
  readonly #closingErrors: unknown[] = [];
  #held: Held | undefined;
  #running: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  /**
   * @throws RangeError for settings that do not fit together, with both values.
   * @throws TypeError unless one of `client` and `table` is given.
   */
  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#client = clientOf(options);
    this.group = options.group;
    this.contenderId = options.contenderId ?? defaultContenderId();
    this.instanceId = options.instanceId ?? randomUUID();
    this.#settings = checkSettings(options, this.#client.mode);
    this.#publication = { ...options, address: options.address ?? defaultAddress() };
    checkNames(this.group, this.contenderId, this.#publication.address);
    this.#announcer = new Announcer(options);
  }

  /** Begins to contend. @throws Error the second time, and after close(). */
  start(): void {
    if (this.#closing.signal.aborted) throw new Error(`The elector of ${this.group} is closed: make another one.`);
    if (this.#running !== undefined)
      throw new Error(`The elector of ${this.group} was started already: make another one.`);
    this.#running = this.#run().catch((error: unknown) => this.#announcer.error(error));
  }

  /** The term that counts at this moment; its fence, and the signal that ends with it. */
  get term(): Term | undefined {
    return this.#held?.term.isLeader() ? this.#held.term : undefined;
  }

  /** True only between a processed grant and the holder's own deadline; both clocks are read to answer. */
  isLeader(): boolean {
    return this.term !== undefined;
  }

  /** The session under which observers see this leader; null until it is confirmed and once its term is over. */
  get confirmedSessionId(): string | null {
    return this.#held?.confirmed && this.term ? this.term.sessionId : null;
  }

  /** Runs `act` if this is the leader. The signal fires when leadership is lost; that `act` then ends is up to it. */
  async runIfLeader<Value>(
    act: (term: Term, signal: AbortSignal) => Value | Promise<Value>,
  ): Promise<{ ran: true; value: Value } | { ran: false }> {
    const { term } = this;
    return term ? { ran: true, value: await act(term, term.signal) } : { ran: false };
  }

  /**
   * Ends the running term, if there is one, and gives the lease back after onRevoked and `lead`. A successor has the
   * next lease reserved for one lease time. This process leaves it to others for as long, unless `stayOut` is false.
   */
  async resign(resignation: Resignation = {}): Promise<void> {
    const held = this.#held;
    if (!held || held.term.loss) return;
    this.#announcer.excuseCaller();
    held.resignation = resignation;
    held.term.end({ reason: 'resigned', detail: `Term ${held.term.fencingVersion} of ${this.group} was resigned.` });
    await held.released;
  }

  /**
   * Ends the running term, waits for a request for the lease that is under way, and gives back what it was granted.
   * Waits for onRevoked, `prepare` and `lead` as long as the lease lasts, though not for the one that calls it. Twice
   * is harmless: the second call changes nothing.
   * @throws the first error of a step, with the others in its `suppressed`; every step has run by then.
   */
  close(resignation: Resignation = {}): Promise<void> {
    this.#announcer.excuseCaller();
    this.#closed ??= this.#close(resignation);
    return this.#closed;
  }

  async #close(resignation: Resignation): Promise<void> {
    this.#closing.abort();
    const held = this.#held;
    if (held && !held.term.loss) held.resignation = { reason: 'it was closed', ...resignation };
    held?.term.end({ reason: 'closed', detail: `The elector of ${this.group} was closed.` });
    await this.#running;
    const [first, ...others] = this.#closingErrors;
    if (first === undefined) return;
    const error = first instanceof Error ? first : new Error(String(first));
    throw others.length > 0 ? Object.assign(error, { suppressed: others }) : error;
  }

  async #run(): Promise<void> {
    const { signal: closing } = this.#closing;
    let previous = this.#options.previousSessionId;
    while (!closing.aborted) {
      const grant = await contendUntilGranted({
        client: this.#client,
        group: this.group,
        contenderId: this.contenderId,
        instanceId: this.instanceId,
        settings: this.#settings,
        announcer: this.#announcer,
        closing,
      });
      if (!grant) return;
      // Also a term that was ended here and that the service does not know about yet: it never resumes.
      if (closing.aborted || grant.sessionId === previous) {
        const released = await this.#step(() => this.#giveBack(grant, { stayOut: false }));
        if (!released) await sleep(this.#client.time, this.#settings.renewEveryMs, closing);
        continue;
      }
      previous = grant.sessionId;
      await this.#lead(grant);
      if (this.#options.contendAgain === false) return;
    }
  }

  /** Holds one term from its grant until its lease is given back and nothing of it runs any more. */
  async #lead(grant: Grant): Promise<void> {
    let release = () => {};
    const term = new Term(this.group, grant, this.#client.time, this.#settings.maxClockSkewMs, (loss) => {
      held.revoked = this.#announcer.tell('onRevoked', loss, term);
      // Whether anybody waits for it or not; onError has seen it.
      held.revoked.catch(() => {});
    });
    const held: Held = {
      term,
      client: this.#client,
      settings: this.#settings,
      announcer: this.#announcer,
      publication: this.#publication,
      work: this.#options,
      confirmed: false,
      resignation: { stayOut: this.#options.stayOut },
      released: new Promise((resolve) => {
        release = resolve;
      }),
    };
    this.#held = held;
    held.granted = this.#announcer.tell('onGranted', term).catch(() => {});
    held.working = carryOut(held);
    await keepRenewing(held);
    const { reason } = term.loss ?? {};
    if (reason === 'closed' || reason === 'resigned' || reason === 'expired') {
      await this.#step(() => this.#waitForWork(held));
      // Who lost its lease by chance may have it again as soon as it can.
      const late = { stayOut: false, reason: 'it could not renew in time' };
      const resignation = reason === 'expired' ? late : held.resignation;
      await this.#step(() => this.#giveBack(term, resignation));
    }
    this.#held = undefined;
    release();
    await this.#nothingRuns(held);
  }

  /** The work has ended, or the lease has run out and nothing is gained by waiting. */
  async #waitForWork({ term, revoked, working }: Held): Promise<void> {
    const stopped = new AbortController();
    const leaseOver = sleep(this.#client.time, term.remainingMs(), stopped.signal);
    try {
      await Promise.race([Promise.all([revoked, working]), leaseOver]);
    } finally {
      stopped.abort();
    }
  }

  /**
   * A new term would run next to what is left of this one, so nobody contends before it has ended; after a lease, that
   * is reported.
   */
  async #nothingRuns({ term, granted, revoked, working }: Held): Promise<void> {
    const { signal: closing } = this.#closing;
    const waiting = new AbortController();
    const settled = Promise.allSettled([granted, revoked, working]).then(() => waiting.abort());
    closing.addEventListener('abort', () => waiting.abort(), { once: true, signal: waiting.signal });
    if (closing.aborted) return;
    await sleep(this.#client.time, this.#settings.leaseMs, waiting.signal);
    if (waiting.signal.aborted) return;
    const what = `A callback of term ${term.fencingVersion} of ${this.group}, which is over, has not returned`;
    this.#announcer.error(new Error(`${what}: this process contends again when it has. End it with term.signal.`));
    await Promise.race([settled, new Promise((resolve) => waiting.signal.addEventListener('abort', resolve))]);
  }

  async #giveBack(fence: Fence, { successor, stayOut, reason }: Resignation): Promise<void> {
    const { requestTimeoutMs } = this.#settings;
    try {
      const options = { timeoutMs: requestTimeoutMs, deadlineMs: requestTimeoutMs * 2 };
      const body = {
        ...(successor !== undefined && { successor }),
        ...(stayOut !== undefined && { stayOut }),
        ...(reason !== undefined && { reason }),
      };
      await this.#client.resign(this.group, fence, body, options);
    } catch (error) {
      if (lossOf(error)) return;
      this.#announcer.error(error);
      throw error;
    }
  }

  /** Whether the step succeeded; close() throws what failed while it waited. */
  async #step(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      if (this.#closing.signal.aborted) this.#closingErrors.push(error);
      return false;
    }
  }
}

function clientOf({ client, table, maxClockSkewMs }: LeaderElectorOptions): TenureClient {
  if (client && table === undefined) return client;
  if (table !== undefined && !client) return tableClient({ table, maxClockSkewMs });
  throw new TypeError('An elector needs a client or a table, and not both.');
}
