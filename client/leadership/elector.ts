import type { Fence } from '../request.ts';
import type { TenureClient } from '../tenure-client.ts';
import { sleep } from '../time.ts';
import { contendUntilGranted } from './contend.ts';
import { defaultContenderId } from './contender-id.ts';
import { Announcer, type ElectorEvents } from './events.ts';
import { keepRenewing, type Lead, type Publication, prepareAndConfirm } from './hold.ts';
import { lossOf } from './loss.ts';
import { type CheckedSettings, checkNames, checkSettings, type LeaseSettings } from './settings.ts';
import { type Grant, Term } from './term.ts';

export interface LeaderElectorOptions extends LeaseSettings, ElectorEvents, Publication {
  readonly client: TenureClient;
  readonly group: string;
  /** Names this process, one of its own for each: two that share one share a term. Host, process id and a random part unless given. */
  readonly contenderId?: string;
  /** False ends the elector with its first term, instead of contending again. */
  readonly contendAgain?: boolean;
  /** Session of the last term of an elector before this one, of the same contender: if the service hands it back, it is given back. */
  readonly previousSessionId?: string | undefined;
}

interface Held extends Lead {
  successor?: string | undefined;
  /** Settles with onRevoked. */
  revoked?: Promise<void>;
  /** Resolves when the lease has been given back. */
  readonly released: Promise<void>;
}

/**
 * Takes part in the election of a group's leader.
 *
 * It does not guarantee that no other process believes at the same moment that it leads: a frozen process does not know that its lease ran
 * out. What must not happen twice has to carry the term as its fence, and the store that guards it refuses an older one. Clocks may differ by
 * maxClockSkewMs before two leaders can overlap; beyond it only that overlap can occur, never a successful write with an old fence.
 */
export class LeaderElector {
  readonly group: string;
  readonly contenderId: string;
  readonly #options: LeaderElectorOptions;
  readonly #client: TenureClient;
  readonly #settings: CheckedSettings;
  readonly #announcer: Announcer;
  readonly #closing = new AbortController();
  readonly #closingErrors: unknown[] = [];
  #held: Held | undefined;
  #running: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  /** @throws RangeError for settings that do not fit together, with both values. */
  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#client = options.client;
    this.group = options.group;
    this.contenderId = options.contenderId ?? defaultContenderId();
    this.#settings = checkSettings(options);
    checkNames(this.group, this.contenderId, options.address);
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

  /** True only between a processed grant and the own deadline; both clocks are read to answer. */
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

  /** Ends the running term, if there is one, after onRevoked; the successor has the next lease reserved for one lease time. */
  async resign(successor?: string): Promise<void> {
    const held = this.#held;
    if (!held || held.term.loss) return;
    held.successor = successor;
    held.term.end({ reason: 'resigned', detail: `Term ${held.term.fencingVersion} of ${this.group} was resigned.` });
    await held.released;
  }

  /**
   * Ends the running term, waits for a request for the lease that is under way, and gives back what it was granted. Waits for onRevoked as
   * long as the lease lasts. Twice is harmless.
   * @throws the first error of a step, with the others in its `suppressed`; every step has run by then.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    const detail = `The elector of ${this.group} was closed.`;
    this.#held?.term.end({ reason: 'closed', detail });
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
        settings: this.#settings,
        announcer: this.#announcer,
        closing,
      });
      if (!grant) return;
      // Also a term that was ended here and that the service does not know about yet: it never resumes.
      if (closing.aborted || grant.sessionId === previous) {
        const released = await this.#step(() => this.#giveBack(grant));
        if (!released) await sleep(this.#client.time, this.#settings.renewEveryMs, closing);
        continue;
      }
      previous = grant.sessionId;
      await this.#lead(grant);
      if (this.#options.contendAgain === false) return;
    }
  }

  /** Holds one term from its grant until its lease is given back. */
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
      publication: this.#options,
      confirmed: false,
      released: new Promise((resolve) => {
        release = resolve;
      }),
    };
    this.#held = held;
    void prepareAndConfirm(held);
    await keepRenewing(held);
    const { reason } = term.loss ?? {};
    if (reason === 'closed' || reason === 'resigned' || reason === 'expired') {
      await this.#step(() => this.#workStopped(held));
      await this.#step(() => this.#giveBack(term, held.successor));
    }
    this.#held = undefined;
    release();
    // Whoever gave the lease away leaves it to others for a while.
    if (reason === 'resigned') await sleep(this.#client.time, this.#settings.renewEveryMs, this.#closing.signal);
  }

  /** onRevoked has ended the work, or the lease has run out and nothing is gained by waiting. */
  async #workStopped({ term, revoked }: Held): Promise<void> {
    const stopped = new AbortController();
    const leaseOver = sleep(this.#client.time, term.remainingMs(), stopped.signal);
    try {
      await Promise.race([revoked, leaseOver]);
    } finally {
      stopped.abort();
    }
  }

  async #giveBack(fence: Fence, successor?: string): Promise<void> {
    const { requestTimeoutMs } = this.#settings;
    try {
      const options = { timeoutMs: requestTimeoutMs, deadlineMs: requestTimeoutMs * 2 };
      await this.#client.resign(this.group, fence, successor === undefined ? {} : { successor }, options);
    } catch (error) {
      if (lossOf(error)) return;
      this.#announcer.error(error);
      throw error;
    }
  }

  /** Answers whether the step succeeded; close() throws what failed while it waited. */
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
