import type { Policy } from './policy.ts';

export interface StoredPolicy {
  readonly group: string;
  readonly policy: Policy;
  /** Slots up to here are done with, epoch ms. */
  readonly doneUntil: number;
}

/** The port to backup policies; every method is one request. */
export interface PolicyStore {
  put(stored: StoredPolicy): Promise<void>;
  /** Strongly consistent. */
  read(group: string): Promise<StoredPolicy | undefined>;
  remove(group: string): Promise<void>;
  /** Of all groups; eventually consistent as to which have one. */
  list(): AsyncGenerator<StoredPolicy>;
  /** Nothing happens when a later slot is done with, or the policy has gone. */
  done(group: string, slot: number): Promise<void>;
}
