/** The rows of the overview: pure, so that a thousand of them can be tested without a page. */
import type { Backup, Group, Log } from '../answers.ts';

export type LeaderStatus = 'led' | 'pending' | 'leaderless';

export interface Row {
  readonly group: string;
  readonly status: LeaderStatus;
  readonly leader: Group['leader'];
  readonly fencingVersion: number;
  /** Epoch ms. */
  readonly expiresAt: number;
  readonly confirmedAt: number;
}

export function toRow(group: Group, now: number): Row {
  const { leader } = group;
  const expiresAt = leader ? Date.parse(leader.expiresAt) : 0;
  const status = leader && expiresAt > now ? 'led' : group.pending ? 'pending' : 'leaderless';
  const confirmedAt = leader ? Date.parse(leader.confirmedAt) : 0;
  return { group: group.group, status, leader, fencingVersion: group.fencingVersion, expiresAt, confirmedAt };
}

export const sorts = ['trouble', 'name', 'leader', 'version', 'newest'] as const;
export type Sort = (typeof sorts)[number];

export function readSort(text: string): Sort {
  return sorts.find((one) => one === text) ?? 'trouble';
}

const trouble: Readonly<Record<LeaderStatus, number>> = { leaderless: 0, pending: 1, led: 2 };
const byName = (one: Row, other: Row) => (one.group < other.group ? -1 : one.group > other.group ? 1 : 0);

const orders: Readonly<Record<Sort, (one: Row, other: Row) => number>> = {
  trouble: (one, other) => trouble[one.status] - trouble[other.status],
  name: () => 0,
  leader: (one, other) => (one.leader?.contenderId ?? '~').localeCompare(other.leader?.contenderId ?? '~'),
  version: (one, other) => other.fencingVersion - one.fencingVersion,
  newest: (one, other) => other.confirmedAt - one.confirmedAt,
};

/** Those that hold every word of the filter in their name, leader, address or standing, in order; ties by name. */
export function arranged(rows: readonly Row[], filter: string, sort: Sort): Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = ({ group, leader, status }: Row) => {
    const text = `${group} ${leader?.contenderId ?? ''} ${leader?.address ?? ''} ${status}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return rows.filter(matches).sort((one, other) => orders[sort](one, other) || byName(one, other));
}

export interface Health {
  readonly tone: 'good' | 'warn' | 'bad' | 'none';
  readonly text: string;
}

export function logsHealth(logs: readonly Log[]): Health {
  if (logs.length === 0) return { tone: 'none', text: 'none' };
  const stopped = logs.filter(({ voting, quorum }) => voting < quorum).length;
  if (stopped > 0) return { tone: 'bad', text: `${stopped} without quorum` };
  const degraded = logs.filter(({ voting, replicas }) => voting < replicas.length).length;
  if (degraded > 0) return { tone: 'warn', text: `${degraded} of ${logs.length} degraded` };
  return { tone: 'good', text: logs.length === 1 ? '1 whole' : `${logs.length} whole` };
}

/** By the newest backup. */
export function backupsHealth([newest]: readonly Backup[], now: number, age: (ms: number) => string): Health {
  if (!newest) return { tone: 'none', text: 'none' };
  const since = age(now - Date.parse(newest.endedAt ?? newest.startedAt));
  if (newest.state === 'COMPLETED') return { tone: 'good', text: `${since} ago` };
  if (newest.state === 'FAILED') return { tone: 'bad', text: `failed ${since} ago` };
  return { tone: 'warn', text: newest.state.toLowerCase() };
}
