/**
 * The members of a log: which replicas there are, and what a quorum of them is. The registry holds one configuration
 * for each log; its version rises with every change of what a quorum is. Design: docs/design/log.md, "Members".
 */
import type { Majorities } from './quorum.ts';

/** One replica of a log: a table, under a name that the log gives it. */
export interface Member {
  readonly id: string;
  readonly table: string;
  /** The deployment's own Region unless given. */
  readonly region?: string | undefined;
  /** When the table was created, in epoch ms, as it was when it became a member; 0 if it could not be asked then. */
  readonly epoch: number;
}

export interface Change {
  readonly replicas: readonly Member[];
  /**
   * CATCHING_UP: the replicas that are to be added recover from the members and count for nothing yet. JOINT: every
   * decision needs a majority of the members and one of the next members.
   */
  readonly phase: 'CATCHING_UP' | 'JOINT';
}

export interface Configuration {
  readonly version: number;
  readonly replicas: readonly Member[];
  /** The members to be, while they change. */
  readonly next?: Change | undefined;
}

export function firstConfiguration(replicas: readonly Member[]): Configuration {
  return { version: 1, replicas };
}

/** All replicas that take part: the members, then those that are to be added. */
export function allReplicas({ replicas, next }: Configuration): readonly Member[] {
  const added = next?.replicas.filter(({ id }) => !replicas.some((member) => member.id === id)) ?? [];
  return [...replicas, ...added];
}

/** By the places of `allReplicas`. */
export function majoritiesOf(configuration: Configuration): Majorities {
  const { replicas, next } = configuration;
  const all = allReplicas(configuration);
  const placesOf = (members: readonly Member[]) => members.map(({ id }) => all.findIndex((one) => one.id === id));
  return next?.phase === 'JOINT' ? [placesOf(replicas), placesOf(next.replicas)] : [placesOf(replicas)];
}

/** Names the members to be. Quorums and the version do not change yet. */
export function beginChange({ version, replicas }: Configuration, next: readonly Member[]): Configuration {
  return { version, replicas, next: { replicas: next, phase: 'CATCHING_UP' } };
}

/**
 * Gives a change up. Every decision was taken by a majority of the members, too, so that they need to catch up with
 * nothing.
 */
export function cancelChange({ version, replicas, next }: Configuration): Configuration {
  return { version: next?.phase === 'JOINT' ? version + 1 : version, replicas };
}

/** From here on decisions need both majorities. */
export function makeJoint({ version, replicas, next }: Configuration): Configuration | undefined {
  if (next?.phase !== 'CATCHING_UP') return undefined;
  return { version: version + 1, replicas, next: { ...next, phase: 'JOINT' } };
}

/** Leaves the members before the change behind. */
export function endChange({ version, next }: Configuration): Configuration | undefined {
  return next?.phase === 'JOINT' ? { version: version + 1, replicas: next.replicas } : undefined;
}
