/** Questions of the overview: the groups every other second, and in between the health of the rows in sight. */
import type { Backup, Group, Log, Page } from '../answers.ts';
import { ask, now } from '../api.ts';
import { keptName, type Question } from '../known.ts';

const pageLimit = 1_000;
const restMs = 2_000;
const changingMs = 1_000;
const healthMs = 60_000;
/** A group whose leader went so lately that the next one is expected. */
const lately = 60_000;

export function groupsQuestion(): Question {
  const cursor = { next: undefined as string | undefined };
  const pages = new Map<string, readonly Group[]>();
  return {
    name: 'groups',
    everyMs: (live) => (isChanging(live.get<readonly Group[]>('groups').value ?? []) ? changingMs : restMs),
    /** One page at a time: a list that is longer than a page is read in as many questions. */
    ask: async () => {
      const at = cursor.next;
      const query = at === undefined ? '' : `&cursor=${encodeURIComponent(at)}`;
      const { items, nextCursor } = await ask<Page<Group>>(`/v1/groups?limit=${pageLimit}${query}`);
      pages.set(at ?? '', items);
      cursor.next = nextCursor;
      return [...pages.values()].flat();
    },
  };
}

/** A lease that ran out is followed each second: somebody else takes it any moment. */
function isChanging(groups: readonly Group[]): boolean {
  const at = now();
  return groups.some(({ leader, pending }) => {
    const left = leader ? Date.parse(leader.expiresAt) - at : 0;
    return pending || (left < 1_500 && left > -lately && leader !== null);
  });
}

export function healthQuestions(groups: readonly string[]): Question[] {
  return groups.flatMap((group) => {
    const path = `/v1/groups/${encodeURIComponent(group)}`;
    return [
      {
        name: keptName(group, 'logs'),
        everyMs: () => healthMs,
        ask: async () => (await ask<Page<Log>>(`${path}/logs`)).items,
      },
      {
        name: keptName(group, 'backups'),
        everyMs: () => healthMs,
        ask: async () => (await ask<Page<Backup>>(`${path}/backups?limit=1`)).items,
      },
    ];
  });
}
