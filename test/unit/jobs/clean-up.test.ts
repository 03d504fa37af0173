import { expect, test } from 'vitest';
import { cleanUp } from '../../../functions/jobs/clean-up/clean-up.ts';

/** Finished jobs of these groups that cannot be cleaned up now; tells which were looked at, in which order. */
function owing(groups: Readonly<Record<string, number>>) {
  const names = Object.entries(groups).flatMap(([group, count]) =>
    Array.from({ length: count }, (_, at) => ({ group, jobId: `job-${at}` })),
  );
  const seen: string[] = [];
  const room = {
    cleanUps: {
      listOwed: async (after: string | undefined, limit: number) => {
        const from = after === undefined ? 0 : Number(after);
        const items = names.slice(from, from + limit);
        return { items, ...(from + limit < names.length ? { last: String(from + limit) } : {}) };
      },
    },
    jobs: {
      read: async ({ group }: { group: string }) => {
        seen.push(group);
        return undefined;
      },
    },
  };
  return { seen, room: room as unknown as Parameters<typeof cleanUp>[0] };
}

test('a group with more finished jobs than a minute can clean up does not keep the others waiting', async () => {
  const groups = { busy: 5_000, quiet: 3, silent: 1 };
  const first: string[] = [];
  for (const random of [0, 0.4, 0.9]) {
    const { seen, room } = owing(groups);
    // Time for two hundred jobs.
    await cleanUp(
      room,
      () => (seen.length < 200 ? 60_000 : 0),
      () => random,
    );
    expect(seen.length).toBeLessThanOrEqual(200);
    first.push(seen[0] ?? '');
    if (random > 0.3)
      expect(new Set(seen)).toEqual(new Set(random > 0.8 ? ['silent', 'busy'] : ['quiet', 'silent', 'busy']));
  }
  expect(first).toEqual(['busy', 'quiet', 'silent']);
});

test('with time, every job is looked at once', async () => {
  const { seen, room } = owing({ one: 1_500, two: 700 });
  expect(
    await cleanUp(
      room,
      () => 60_000,
      () => 0.7,
    ),
  ).toEqual({ cleaned: 0, left: 2_200 });
  expect(seen).toHaveLength(2_200);
});
