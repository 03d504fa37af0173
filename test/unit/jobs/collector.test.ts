import { describe, expect, test } from 'vitest';
import { collectAll } from '../../../functions/jobs/clean-up/collect-all.ts';
import type { Listed } from '../../../functions/jobs/payloads/payload-store.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const key = (group: string, at: number) =>
  `groups/${group}/jobs/nightly/0190b6c0-0000-7000-8000-${String(at).padStart(12, '0')}`;

/** Orphans of these groups, of which each page has `perPage`; nothing that is deleted is listed again. */
function orphaned(groups: Readonly<Record<string, number>>, perPage = 2) {
  const bucket = new Set(
    Object.entries(groups)
      .flatMap(([group, count]) => Array.from({ length: count }, (_, at) => key(group, at)))
      .toSorted(),
  );
  const places = new Map<string, string>();
  let pages = 0;
  /** Payloads that cannot be deleted: they stay listed. */
  const stubborn = new Set<string>();
  const seen: string[] = [];
  const list = async (prefix: string, after = '') => {
    pages += 1;
    const all = [...bucket].filter((name) => name.startsWith(prefix) && name > after);
    const items: Listed[] = all.slice(0, perPage).map((name) => ({ key: name, bytes: 1, modifiedAt: 0 }));
    seen.push(...items.map((item) => item.key));
    return { items, more: all.length > perPage };
  };
  const discard = async (names: readonly string[]) => {
    for (const name of names) if (!stubborn.has(name)) bucket.delete(name);
    return names.filter((name) => stubborn.has(name));
  };
  const registry = {
    readJobs: async () => [],
    readPlace: async (group = '') => places.get(group),
    writePlace: async (after: string | undefined, group = '') => {
      if (after === undefined) places.delete(group);
      else places.set(group, after);
    },
    async *groups() {
      yield* Object.keys(groups);
    },
  };
  const held = { heldBy: async () => undefined };
  const room = { payloads: { list, discard }, registry, held, clock: { now: () => 1e12 }, graceMs: 0 };
  return {
    places,
    /** One run, with time for about so many pages; returns what it has looked at. */
    async run(pagesInTime: number, random = () => 0.999) {
      const before = pages;
      const from = seen.length;
      const remainingMs = () => (pages - before < pagesInTime ? 1e9 : 0);
      await collectAll(room as unknown as Parameters<typeof collectAll>[0], remainingMs, random);
      return seen.slice(from);
    },
    keep(group: string) {
      for (const name of bucket) if (name.startsWith(`groups/${group}/`)) stubborn.add(name);
    },
    left: (group: string) => [...bucket].filter((name) => name.startsWith(`groups/${group}/`)).length,
  };
}

const groupsOf = (seen: readonly string[]) => [...new Set(seen.map((name) => name.split('/')[1]))];

test('a group with more orphans than a run can delete does not keep the others waiting', async () => {
  const { run, left } = orphaned({ busy: 1_000, quiet: 3, silent: 1 });
  expect(groupsOf(await run(60))).toEqual(['busy', 'quiet', 'silent']);
  expect([left('quiet'), left('silent')]).toEqual([0, 0]);
  expect(left('busy')).toBeLessThan(1_000 - 90);
});

test('time left over goes to groups that have more', async () => {
  const { run, left } = orphaned({ busy: 1_000, other: 400, quiet: 3 });
  const seen = await run(10_000);
  expect([left('busy'), left('other'), left('quiet')]).toEqual([0, 0, 0]);
  expect(new Set(seen).size).toBe(1_403);
});

test('payloads that stay do not keep the later ones of their group from their turn', async () => {
  const { run, keep, left, places } = orphaned({ busy: 500, quiet: 3 });
  keep('busy');
  const seen = [...(await run(55)), ...(await run(55)), ...(await run(55)), ...(await run(110)), ...(await run(110))];
  expect(groupsOf(seen)).toEqual(['busy', 'quiet']);
  expect(new Set(seen.filter((name) => name.includes('/busy/'))).size).toBe(500);
  expect([left('busy'), left('quiet')]).toEqual([500, 0]);
  await run(10_000);
  // A round that has come to the end of a group begins it anew.
  expect([...places.keys()].filter((group) => group !== '')).toEqual([]);
});

test('a run continues where the last one stopped, not at a busy group again', async () => {
  const { run } = orphaned({ a: 1_000, b: 1_000, c: 1 });
  expect(groupsOf(await run(60))).toEqual(['a', 'b']);
  expect(groupsOf(await run(60))).toEqual(['b', 'c', 'a']);
});

describe('where no place is kept, a run begins at a random group', () => {
  test('and comes around to those before it', async () => {
    const { run, left, places } = orphaned({ a: 3, b: 5, c: 1, d: 2 });
    // Each is drawn in turn, and the second is kept.
    const numbers = [0, 0.4, 0.9, 0.9];
    expect(groupsOf(await run(100, () => numbers.shift() ?? 0.999))).toEqual(['b', 'c', 'd', 'a']);
    expect(['a', 'b', 'c', 'd'].map(left)).toEqual([0, 0, 0, 0]);
    expect(places.get('')).toBeUndefined();
  });

  test('and the next one continues where that stopped, all around', async () => {
    const { run } = orphaned({ a: 40, b: 40, c: 40 });
    const numbers = [0, 0.4, 0.9];
    expect(groupsOf(await run(30, () => numbers.shift() ?? 0.999))).toEqual(['b', 'c']);
    expect(groupsOf(await run(40))).toEqual(['c', 'a']);
  });

  test('each group alike', async () => {
    const world = orphaned({ a: 4, b: 4, c: 4, d: 4 });
    for (const group of ['a', 'b', 'c', 'd']) world.keep(group);
    const random = seededRandom(7).next;
    const begun = new Map<string, number>();
    for (let round = 0; round < 400; round += 1) {
      const seen = await world.run(1_000, random);
      expect(new Set(seen).size).toBe(16);
      const [first = ''] = groupsOf(seen);
      begun.set(first, (begun.get(first) ?? 0) + 1);
    }
    expect([...begun.keys()].toSorted()).toEqual(['a', 'b', 'c', 'd']);
    expect(Math.min(...begun.values())).toBeGreaterThan(70);
  });
});
