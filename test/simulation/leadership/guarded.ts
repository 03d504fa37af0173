/** The store that the leader writes to: it compares versions, and needs no clock. */
export interface Guarded {
  /** Whether the write was taken: not when a higher version has been seen. */
  take(group: string, fencingVersion: number): boolean;
}

export function guardedThing(guard: 'compares' | 'trusts'): Guarded {
  const seen = new Map<string, number>();
  return {
    take(group, fencingVersion) {
      const highest = seen.get(group) ?? 0;
      if (guard === 'compares' && fencingVersion < highest) return false;
      seen.set(group, Math.max(highest, fencingVersion));
      return true;
    },
  };
}
