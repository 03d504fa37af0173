/**
 * Sees the truth that no participant sees, and checks after every step what docs/design/leadership.md says must hold.
 */
import type { Fence } from '../../../api/fence.ts';
import type { Item } from '../../../store/item.ts';
import type { MemoryLeaseStore } from '../../support/memory-lease-store.ts';

export class ViolationError extends Error {
  override readonly name = 'ViolationError';
}

/** Invariant 4 binds only while clocks keep to the allowance. */
export interface WitnessOptions {
  readonly store: MemoryLeaseStore;
  readonly groups: readonly string[];
  readonly clock: { readonly time: number };
  readonly clocksWithinAllowance: boolean;
}

/** The time in which a process believes to lead, in true time. */
interface Window {
  readonly version: number;
  readonly who: string;
  readonly until: number;
}

interface Truth {
  item: Item | undefined;
  highest: number;
  /** The request that was granted the highest version. */
  requestId: unknown;
  readonly holders: Map<number, string>;
  /** When the version after that one was granted. */
  readonly followedAt: Map<number, number>;
  /** Terms that nothing can protect: ended by force, or by the loss of the record. */
  readonly unprotected: Set<number>;
  readonly confirmations: Set<string>;
  readonly windows: Map<string, Window>;
  /** Whose write the guarded thing took last. */
  last: Fence;
  readonly past: { readonly time: number; readonly item: Item | undefined }[];
}

const pastKept = 40;
const traceKept = 4_000;

export function createWitness({ store, groups, clock, clocksWithinAllowance }: WitnessOptions) {
  const counts = { grants: 0, recreations: 0, beliefs: 0, overlaps: 0, shown: 0, writes: 0, refusedWrites: 0 };
  const trace: string[] = [];
  const forged = new Set<string>();
  const truths = new Map(groups.map((group) => [group, newTruth()]));
  const truth = (group: string) => truths.get(group) as Truth;
  let violation: ViolationError | undefined;

  const note = (text: string) => {
    trace.push(`${clock.time.toFixed(1).padStart(10)} ${text}`);
    if (trace.length > traceKept) trace.splice(0, traceKept / 2);
  };
  const violate = (text: string) => {
    note(`VIOLATION ${text}`);
    violation ??= new ViolationError(text);
  };

  function look(group: string): void {
    const seen = truth(group);
    const item = store.item(group);
    if (item === seen.item) return;
    seen.item = item;
    seen.past.push({ time: clock.time, item });
    if (seen.past.length > pastKept) seen.past.shift();
    note(`${group} ${item ? JSON.stringify(item) : 'has no record'}`);
    const version = item?.['fencingVersion'];
    if (!item || typeof version !== 'number') {
      seen.unprotected.add(seen.highest);
      seen.requestId = undefined;
      return;
    }
    if (version < seen.highest) violate(`L1: version ${version} of ${group} comes after ${seen.highest}`);
    if (version > seen.highest) granted(group, seen, version, item['requestId']);
    seen.requestId = item['requestId'];
    const holder = item['holder'] as { sessionId?: string } | undefined;
    if (holder?.sessionId !== undefined && !forged.has(holder.sessionId)) held(group, seen, version, holder.sessionId);
    const { reason } = (item['ended'] ?? {}) as { reason?: string };
    const leaseIsGone = item['expiresAt'] === undefined || (holder && item['renewedAt'] === undefined);
    if (leaseIsGone && reason !== 'resigned' && reason !== 'expired') seen.unprotected.add(version);
  }

  function held(group: string, seen: Truth, version: number, sessionId: string): void {
    const known = seen.holders.get(version);
    seen.holders.set(version, known ?? sessionId);
    if (known !== undefined && known !== sessionId)
      violate(`L1: version ${version} of ${group} is held by ${known} and by ${sessionId}`);
  }

  function granted(group: string, seen: Truth, version: number, requestId: unknown): void {
    counts.grants += 1;
    if (seen.highest > 0 && version > seen.highest + 1) counts.recreations += 1;
    if (requestId !== undefined && requestId === seen.requestId)
      violate(`steps: request ${requestId} of ${group} was granted version ${seen.highest} and version ${version}`);
    seen.followedAt.set(seen.highest, clock.time);
    seen.highest = version;
    for (const window of seen.windows.values()) overlap(group, seen, window);
  }

  function overlap(group: string, seen: Truth, { version, who, until }: Window): void {
    const at = seen.followedAt.get(version);
    if (at === undefined || until <= at) return;
    counts.overlaps += 1;
    if (clocksWithinAllowance && !seen.unprotected.has(version))
      violate(`L4: ${who} leads ${group} in version ${version} until ${until}, the next version was granted at ${at}`);
  }

  return {
    counts,
    trace,
    note,
    violate,

    /** Throws the violation that the last event brought about. */
    check(): void {
      for (const group of groups) look(group);
      if (violation) throw violation;
    },

    /** A process was told of its term and believes to lead until then, by true time. */
    believes(group: string, who: string, { fencingVersion, sessionId }: Fence, until: number): void {
      const seen = truth(group);
      counts.beliefs += 1;
      note(`${who} believes to lead ${group} in version ${fencingVersion} until ${until.toFixed(1)}`);
      const holder = seen.holders.get(fencingVersion);
      if (holder !== sessionId)
        violate(`L1: ${who} was told version ${fencingVersion} of ${group}, which ${holder ?? 'nobody'} holds`);
      const window = { version: fencingVersion, who, until };
      seen.windows.set(who, window);
      overlap(group, seen, window);
    },

    /** The process stopped believing by itself, or is no more. */
    believesNoMore(group: string, who: string): void {
      truth(group).windows.delete(who);
    },

    confirms(group: string, { fencingVersion, sessionId }: Fence): void {
      truth(group).confirmations.add(`${fencingVersion} ${sessionId}`);
    },

    highest: (group: string) => truth(group).highest,

    /** An observer's view; `since` is the highest version when a consistent read began. */
    shown(group: string, { fencingVersion, sessionId }: Fence, since: number): void {
      const seen = truth(group);
      counts.shown += 1;
      const whom = `${sessionId} is shown as leader of ${group} in version ${fencingVersion}`;
      if (!seen.confirmations.has(`${fencingVersion} ${sessionId}`)) violate(`L2: ${whom} without a confirmation`);
      if (seen.holders.get(fencingVersion) !== sessionId) violate(`L2: ${whom}, which it does not hold`);
      if (fencingVersion < since) violate(`L2: ${whom} by a read that began after version ${since} was granted`);
    },

    /** The guarded thing took a write, or refused it. */
    wrote(group: string, { fencingVersion, sessionId }: Fence, accepted: boolean): void {
      const seen = truth(group);
      if (!accepted) {
        counts.refusedWrites += 1;
        return;
      }
      counts.writes += 1;
      const { last } = seen;
      const what = `a write of ${sessionId} to ${group} with version ${fencingVersion} was taken`;
      if (fencingVersion < last.fencingVersion) violate(`L3: ${what} after one with ${last.fencingVersion}`);
      if (fencingVersion === last.fencingVersion && sessionId !== last.sessionId)
        violate(`L3: ${what} after one of ${last.sessionId}`);
      if (seen.holders.get(fencingVersion) !== sessionId) violate(`L3: ${what}, which it does not hold`);
      seen.last = { fencingVersion, sessionId };
    },

    /** Tampering writes this session into the record: it holds nothing. */
    forge(sessionId: string): void {
      forged.add(sessionId);
    },

    /** Results that an eventually consistent read may still return. */
    itemAt: (group: string, time: number) => truth(group).past.findLast((state) => state.time <= time)?.item,
  };
}

export type Witness = ReturnType<typeof createWitness>;

function newTruth(): Truth {
  return {
    item: undefined,
    highest: 0,
    requestId: undefined,
    holders: new Map(),
    followedAt: new Map(),
    unprotected: new Set(),
    confirmations: new Set(),
    windows: new Map(),
    last: { fencingVersion: 0, sessionId: '' },
    past: [],
  };
}
