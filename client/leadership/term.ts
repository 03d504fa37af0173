import type { Fence } from '../request.ts';
import type { Time } from '../time.ts';
import { LeadershipLostError, type Loss } from './loss.ts';

/** Both clocks at one moment. */
export interface Reading {
  readonly monotonic: number;
  readonly wall: number;
}

export function readClocks(time: Time): Reading {
  return { monotonic: time.monotonic(), wall: time.now() };
}

/** The service's grant, and the clocks before the request. */
export interface Grant extends Fence {
  /** The rest of the lease when it was granted. */
  readonly leaseMs: number;
  readonly askedAt: Reading;
}

/**
 * One term as its holder sees it; it is the fence of every request of the leader, and `signal` aborts when the term is
 * over.
 *
 *   asked         granted                                   deadline        expiry at the service
 *     |--------------|------------------------------------------|--maxClockSkewMs--|
 *     '------------- lease, counted from the reading before the request was sent ---'
 *
 * The window that the holder counts on ends before anybody else can hold the lease while clocks differ by at most
 * maxClockSkewMs. A renewal moves it. Passing it on the monotonic clock ends the term for good. Passing it on the wall
 * clock alone (the machine slept, or the clock was set) only puts the term in doubt: it counts for nothing until a
 * renewal says so.
 */
export class Term implements Fence {
  readonly group: string;
  readonly fencingVersion: number;
  readonly sessionId: string;
  /**
   * Aborts with a LeadershipLostError when the term is over. A frozen process sees it late: ask isLeader() before what
   * must not be late.
   */
  readonly signal: AbortSignal;
  readonly #ending = new AbortController();
  readonly #time: Time;
  readonly #maxClockSkewMs: number;
  readonly #onEnd: (loss: Loss) => void;
  #from: Reading;
  #windowMs: number;
  #cancelDeadline: () => void = () => {};
  #loss: Loss | undefined;

  constructor(group: string, grant: Grant, time: Time, maxClockSkewMs: number, onEnd: (loss: Loss) => void) {
    this.group = group;
    this.fencingVersion = grant.fencingVersion;
    this.sessionId = grant.sessionId;
    this.signal = this.#ending.signal;
    this.#time = time;
    this.#maxClockSkewMs = maxClockSkewMs;
    this.#onEnd = onEnd;
    this.#from = grant.askedAt;
    this.#windowMs = grant.leaseMs - maxClockSkewMs;
    this.#armDeadline();
  }

  /** Whether the term counts at this moment. */
  isLeader(): boolean {
    return !this.#loss && this.remainingMs() > 0 && !this.inDoubt();
  }

  /** Why the term is over, once it is. */
  get loss(): Loss | undefined {
    return this.#loss;
  }

  /** ms until the term ends unless it is renewed; zero or less once it has. */
  remainingMs(): number {
    return this.#from.monotonic + this.#windowMs - this.#time.monotonic();
  }

  /** Whether more time than the window has passed on the wall, though not on the monotonic clock. */
  inDoubt(): boolean {
    return this.#time.now() >= this.#from.wall + this.#windowMs;
  }

  /** ms since the request that made the present window was sent. */
  ageMs(): number {
    return this.#time.monotonic() - this.#from.monotonic;
  }

  /** Moves the window after a renewal that was sent at the reading; an older renewal never shortens it. */
  extend(askedAt: Reading, leaseMs: number): void {
    if (this.#loss || askedAt.monotonic < this.#from.monotonic) return;
    this.#from = askedAt;
    this.#windowMs = leaseMs - this.#maxClockSkewMs;
    this.#armDeadline();
  }

  /** Ends the term, once: a second reason changes nothing. */
  end(loss: Loss): void {
    if (this.#loss) return;
    this.#loss = loss;
    this.#cancelDeadline();
    this.#ending.abort(new LeadershipLostError(loss));
    this.#onEnd(loss);
  }

  /** Ends the term if its window has passed on the monotonic clock. */
  endIfPassed(): void {
    if (this.remainingMs() > 0) return;
    const detail = `Term ${this.fencingVersion} of ${this.group} was not renewed within ${this.#windowMs} ms`;
    this.end({ reason: 'expired', detail: `${detail}: the service or this process did not answer in time.` });
  }

  #armDeadline(): void {
    this.#cancelDeadline();
    this.#cancelDeadline = this.#time.setTimer(this.remainingMs(), () => {
      this.endIfPassed();
      // A timer may fire a moment early.
      if (!this.#loss) this.#armDeadline();
    });
  }
}
