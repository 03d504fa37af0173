import { describe, expect, test } from 'vitest';
import { cleanUp } from '../../../functions/jobs/clean-up/clean-up.ts';
import { seededRandom } from '../../support/seeded-random.ts';

/** Finished jobs of these groups that cannot be cleaned up now; tells which were looked at, in which order. */
function owing(groups: Readonly<Record<string, number>>) {
  const names = Object.keys(groups)
    .toSorted()
    .flatMap((group) => Array.from({ length: groups[group] ?? 0 }, (_, at) => ({ group, jobId: `job-${at}` })));
  const places = new Map<string, string>();
  const seen: string[] = [];
  const page = (all: typeof names, from: number, limit: number) => {
    const items = all.slice(from, from + limit);
    return { items, ...(from + limit < all.length ? { last: String(from + limit) } : {}) };
  };
  const cleanUps = {
    listOwed: async (behind = '', limit: number) =>
      page(
        names.filter(({ group }) => group > behind),
        0,
        limit,
      ),
    listOwedOf: async (group: string, after = '0', limit: number) =>
      page(
        names.filter((one) => one.group === group),
        Number(after),
        limit,
      ),
    readPlace: async (group = '') => places.get(group),
    writePlace: async (place: string | undefined, group = '') => {
      if (place === undefined) places.delete(group);
      else places.set(group, place);
    },
  };
  const jobs = {
    read: async ({ group, jobId }: { group: string; jobId: string }) => {
      seen.push(`${group}/${jobId}`);
      return undefined;
    },
  };
  const room = { cleanUps, jobs } as unknown as Parameters<typeof cleanUp>[0];
  /** One run, with time for about so many jobs. */
  const run = async (jobsInTime: number, random = () => 0) => {
    const before = seen.length;
    await cleanUp(room, () => (seen.length - before < jobsInTime ? 60_000 : 0), random);
    return seen.slice(before);
  };
  return { run };
}

const groupsOf = (seen: readonly string[]) => [...new Set(seen.map((name) => name.split('/')[0]))];

test('a group with more finished jobs than a run can clean up does not keep the others waiting', async () => {
  const { run } = owing({ busy: 5_000, quiet: 3, silent: 1 });
  expect(groupsOf(await run(150))).toEqual(['busy', 'quiet', 'silent']);
});

test('nor do two of them: each run continues behind the group at which the last one stopped', async () => {
  const { run } = owing({ a: 5_000, b: 5_000, c: 1 });
  expect(groupsOf(await run(100))).toEqual(['a']);
  expect(groupsOf(await run(100))).toEqual(['b']);
  expect(groupsOf(await run(1))).toEqual(['c']);
  expect(groupsOf(await run(100))).toEqual(['a']);
});

test('jobs of a group that cannot be cleaned up yet do not keep its others waiting', async () => {
  const { run } = owing({ busy: 250 });
  const seen = [await run(100), await run(100), await run(100)];
  expect(seen.map((names) => names.length)).toEqual([100, 100, 50]);
  expect(new Set(seen.flat()).size).toBe(250);
  expect(await run(100)).toEqual(seen[0]);
});

test('with time, every job is looked at once', async () => {
  const { run } = owing({ one: 1_500, two: 700, three: 99, four: 1, five: 100, six: 101 });
  const seen = await run(Number.POSITIVE_INFINITY);
  expect(seen).toHaveLength(2_501);
  expect(new Set(seen).size).toBe(2_501);
  expect(await run(Number.POSITIVE_INFINITY)).toHaveLength(2_501);
});

describe('where no place is kept, a run begins at a random group', () => {
  const always = Number.POSITIVE_INFINITY;
  const groups = { a: 1, b: 2, c: 1, d: 1 };

  test('the first one', async () => {
    const begins = async (number: number) => groupsOf(await owing(groups).run(always, () => number));
    expect(await begins(0)).toEqual(['a', 'b', 'c', 'd']);
    expect(await begins(0.3)).toEqual(['b', 'c', 'd', 'a']);
    expect(await begins(0.99)).toEqual(['d', 'a', 'b', 'c']);
    expect(await owing({}).run(always, () => 0.5)).toEqual([]);
  });

  test('and after each whole round, each group alike', async () => {
    const { run } = owing(groups);
    const random = seededRandom(7).next;
    const begun = new Map<string, number>();
    for (let round = 0; round < 400; round += 1) {
      const seen = await run(always, random);
      expect(new Set(seen).size).toBe(5);
      const [first = ''] = groupsOf(seen);
      begun.set(first, (begun.get(first) ?? 0) + 1);
    }
    expect([...begun.keys()].toSorted()).toEqual(['a', 'b', 'c', 'd']);
    expect(Math.min(...begun.values())).toBeGreaterThan(70);
  });
});
