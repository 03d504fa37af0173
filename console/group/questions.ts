/** Questions of a group's page, in the order in which a person looks. */
import type { Backup, BackupPolicy, Job, Journal, Leadership, Log, Page, Term, Worker } from '../answers.ts';
import { ApiError, ask, now } from '../api.ts';
import type { Live, Question } from '../known.ts';

const changingMs = 1_000;
/** Before all other questions: a fail-over shows within two of them. */
const urgentMs = 1;
/** A group without a leader for longer lets the other questions have their turn again. */
const urgentForMs = 15_000;
const restMs = 2_000;
const seldomMs = 60_000;
/** Who waits is written once a minute, a refusal within a second. */
const journalEveryMs = 10_000;
export const explainedMs = 3_600_000;

export function groupQuestions(group: string): Question[] {
  const path = `/v1/groups/${encodeURIComponent(group)}`;
  const items = async <Item>(list: string) => (await ask<Page<Item>>(`${path}/${list}`)).items;
  let changingFrom: number | undefined;
  let wasLed = false;
  const termsSeen = { version: -1, ended: false };
  return [
    {
      name: 'leadership',
      everyMs: (live) => {
        changingFrom = isChanging(live) ? (changingFrom ?? now()) : undefined;
        wasLed ||= live.get<Leadership>('leadership').value?.leader != null;
        if (changingFrom === undefined) return restMs;
        // A page that opens on a group without a leader has all else to ask.
        return wasLed && now() - changingFrom < urgentForMs ? urgentMs : changingMs;
      },
      ask: () => ask<Leadership>(`${path}/leadership?consistent=true`),
    },
    {
      name: 'terms',
      /** Only a change of the leader makes another list. */
      everyMs: (live) => {
        const { fencingVersion, leader } = live.get<Leadership>('leadership').value ?? {};
        const isOther = fencingVersion !== termsSeen.version || (leader === null) !== termsSeen.ended;
        return isOther ? changingMs : 30_000;
      },
      ask: async () => {
        const terms = await items<Term>('leadership/terms?limit=100');
        termsSeen.version = terms[0]?.fencingVersion ?? 0;
        termsSeen.ended = terms[0]?.endedAt !== undefined;
        return terms;
      },
    },
    {
      name: 'journal',
      everyMs: () => journalEveryMs,
      ask: () => {
        const since = new Date(now() - explainedMs).toISOString();
        return ask<Journal>(`${path}/leadership/journal?since=${encodeURIComponent(since)}`);
      },
    },
    { name: 'logs', everyMs: () => 10_000, ask: () => items<Log>('logs') },
    {
      name: 'backups',
      everyMs: (live) => (isBackingUp(live) ? 1_500 : 15_000),
      ask: () => items<Backup>('backups?limit=20'),
    },
    { name: 'jobs', everyMs: () => 12_000, ask: () => items<Job>('jobs') },
    { name: 'workers', everyMs: () => 20_000, ask: () => items<Worker>('workers') },
    { name: 'policy', everyMs: () => seldomMs, ask: () => policy(path) },
  ];
}

/** Null for a group without a schedule. */
async function policy(path: string): Promise<BackupPolicy | null> {
  return ask<BackupPolicy>(`${path}/backup-policy`).catch((error: unknown) => {
    if (error instanceof ApiError && error.problem.code === 'not_found') return null;
    throw error;
  });
}

function isChanging(live: Live): boolean {
  const { value } = live.get<Leadership>('leadership');
  if (!value) return true;
  const left = value.leader ? Date.parse(value.leader.expiresAt) - now() : 0;
  return left < 1_500 || value.handOver !== undefined;
}

export function isBackingUp(live: Live): boolean {
  const running = live.get<readonly Backup[]>('backups').value ?? [];
  return running.some(({ state }) => state !== 'COMPLETED' && state !== 'FAILED');
}
