import type { Fence } from '../api/fence.ts';
import type { EndReason, LeadershipRecord } from './lease.ts';

/**
 * A conditional write either took effect and shows the new record, or lost and shows the record that won (undefined:
 * there is none).
 */
export type LeaseWrite =
  | { readonly kind: 'won'; readonly won: LeadershipRecord; readonly lost?: never }
  | { readonly kind: 'lost'; readonly won?: never; readonly lost: LeadershipRecord | undefined };

export interface Grant {
  readonly contenderId: string;
  readonly instanceId: string;
  readonly sessionId: string;
  readonly leaseMs: number;
  readonly requestId: string;
}

export interface Published {
  readonly address: string;
  readonly metadata?: unknown;
}

export interface Renewal {
  /** Left out, the lease keeps its length. */
  readonly leaseMs?: number | undefined;
  readonly address?: string | undefined;
  readonly metadata?: unknown;
}

/** A TERM item: who was confirmed in this version, and how it ended. */
export interface Term {
  readonly fencingVersion: number;
  readonly contenderId: string;
  readonly instanceId?: string | undefined;
  readonly sessionId: string;
  readonly address?: string | undefined;
  readonly metadata?: unknown;
  readonly grantedAt?: number | undefined;
  readonly confirmedAt?: number | undefined;
  /** As it was when the term was confirmed. */
  readonly leaseMs?: number | undefined;
  readonly endedAt?: number | undefined;
  readonly endReason?: EndReason | undefined;
  /** The operator's words for a revocation. */
  readonly endDetail?: string | undefined;
}

/**
 * The lock port: every method is one request; every write is conditional and never half done. Methods that ask whether
 * a lease is alive (`confirm`, `renew`, `restoreHolder`, `writeAddresses`) are sent once: to be tried again with
 * another `now`, see `timely`.
 */
export interface LeaseStore {
  read(group: string, consistent: boolean): Promise<LeadershipRecord | undefined>;
  /** Takes a lease that nobody holds, raising the version by one. Conditioned on the record being there. */
  grant(group: string, grant: Grant, now: number, maxClockSkewMs: number): Promise<LeaseWrite>;
  /**
   * Makes the record of a new or lost group with this version, and its TERM; loses when either exists. A lost one is
   * made with the recreation that was read before the version was chosen, and loses when there has been another since.
   */
  create(group: string, fencingVersion: number, grant: Grant, now: number, recreation?: number): Promise<LeaseWrite>;
  /** The version with which a lost record was last made anew; 0 for none. */
  lastRecreation(group: string): Promise<number>;
  /** The highest version of any TERM or FLOOR; 0 for a new group. */
  highestVersion(group: string): Promise<number>;
  writeFloor(group: string, fencingVersion: number): Promise<void>;
  /**
   * Publishes the leader, writes its TERM and the end of the TERM before; `seen` is the record that was read for it.
   */
  confirm(seen: LeadershipRecord, fence: Fence, published: Published, now: number): Promise<LeaseWrite>;
  renew(group: string, fence: Fence, renewal: Renewal, now: number): Promise<LeaseWrite>;
  /** Restores the holder of a running term whose leader information was damaged. */
  restoreHolder(group: string, term: Term, published: Renewal, now: number): Promise<LeaseWrite>;
  readTerm(group: string, fencingVersion: number): Promise<Term | undefined>;
  resign(group: string, fence: Fence, resignation: Resignation, requestId: string, now: number): Promise<LeaseWrite>;
  /** Asks the holder of this version to resign, in favour of the successor if there is one. */
  askHandOver(group: string, fencingVersion: number, successor: string | undefined): Promise<LeaseWrite>;
  readAddresses(group: string, consistent: boolean): Promise<PublishedAddresses | undefined>;
  /** Replaces the addresses of the running term, unless others were written since those that were `seen`. */
  writeAddresses(
    group: string,
    fence: Fence,
    seen: number | undefined,
    addresses: Addresses,
    now: number,
  ): Promise<'won' | 'lost'>;
  revoke(group: string, revocation: Revocation, requestId: string, now: number): Promise<LeaseWrite>;
}

export type Addresses = Readonly<Record<string, string>>;

/** The item of the addresses; it belongs to a record of the same term that counts as many changes. */
export interface PublishedAddresses {
  readonly fencingVersion: number;
  readonly revision: number;
  readonly addresses: Addresses;
}

export interface Resignation {
  /** Has the next lease reserved for one lease time. */
  readonly successor?: string | undefined;
  /** False lets the process that resigns take the lease again at once. */
  readonly stayOut: boolean;
  /** For people. */
  readonly reason?: string | undefined;
}

export interface Revocation {
  readonly fencingVersion: number;
  readonly reason: string;
  readonly force: boolean;
}
