import type { LeaderElector } from '../../../client/leadership/elector.ts';

/** As short as all of them take. */
export const leaseMs = 2_000;
export const renewEveryMs = 500;

/** Lock clients on DynamoDB, behind the wire. */
export interface Locks {
  /** With its version. */
  readonly name: string;
  /** Single steps by name, in an order in which each finds what it needs. */
  steps(): Promise<Record<string, () => Promise<unknown>>>;
  /** Takes part in the election of a group until it crashes. */
  contend(group: string, contender: string): Contending;
  /** Ends its processes, where it has any. */
  stop?(): Promise<void>;
}

export interface Contending {
  /** Resolves when it leads. */
  readonly leads: Promise<unknown>;
  /** Resolves when its next request has ended: that of a leader is a renewal. */
  renewed(): Promise<void>;
  /** Nothing that it would have sent later is sent. */
  crash(): void;
}

/** Lets calls through until it is closed; those that come later never end, as for a process that is no more. */
export class Gate {
  #open = true;
  #waiting: (() => void)[] = [];

  close(): void {
    this.#open = false;
  }

  /** Resolves when the next call has ended. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async through<Answer>(act: () => Promise<Answer>): Promise<Answer> {
    if (!this.#open) return new Promise(() => {});
    try {
      return await act();
    } catch (error) {
      if (this.#open) throw error;
      return new Promise(() => {});
    } finally {
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }
}

/** An elector sends nothing more, and does not try again for the rest of the bench. */
export function crash(gate: Gate, elector: LeaderElector | undefined): void {
  gate.close();
  elector?.close().catch(() => {});
}
