import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { GroupLogs } from '../../../log/group-logs.ts';
import { append } from '../../../log/protocol/append.ts';
import { elect } from '../../../log/protocol/coordinator.ts';
import { defaultSettings, type LogParts } from '../../../log/protocol/log.ts';
import type { Content, WriterMemory } from '../../../log/protocol/placement.ts';
import { systemTimer } from '../../../log/protocol/quorum.ts';
import { recover } from '../../../log/protocol/recovery.ts';
import { MemoryReplica } from '../log/memory-replica.ts';
import { MemorySequencer } from '../log/memory-sequencer.ts';

export interface MemoryLog {
  readonly parts: LogParts;
  readonly replicas: readonly MemoryReplica[];
  readonly sequencer: MemorySequencer;
}

export interface MemoryLogs extends GroupLogs {
  of(group: string, log: string): MemoryLog;
}

/** For a cut of logs alone. */
export const nothingElse = async () => ({ kind: 'read', rest: undefined }) as const;

/** The outcome of such a cut. */
export const placedAt = (cut: Record<string, number>) => ({
  kind: 'cut',
  cut,
  rest: undefined,
  pausedMs: expect.any(Number) as number,
});

/** The logs of all groups, each on three replicas in memory that apply the acceptor's rules. */
export function memoryLogs(): MemoryLogs {
  const logs = new Map<string, MemoryLog>();
  const known = new Set<string>();
  const of = (group: string, log: string): MemoryLog => {
    const key = `${group}/${log}`;
    const there = logs.get(key);
    if (there) return there;
    const replicas = [1, 2, 3].map((number) => new MemoryReplica(`${number}`));
    const sequencer = new MemorySequencer();
    const made: MemoryLog = {
      replicas,
      sequencer,
      parts: {
        replicas: replicas.map((replica) => replica.port()),
        majorities: [replicas.map((_, at) => at)],
        configuration: 1,
        sequencer: sequencer.port(),
        timer: systemTimer,
        chance: { number: () => Math.random(), id: () => randomUUID() },
        settings: { ...defaultSettings, electionGraceMs: 5, graceMs: 5, pauseMs: 5, answerMs: 1_000 },
      },
    };
    logs.set(key, made);
    return made;
  };
  return {
    of,
    list: async (group) =>
      [...known].flatMap((key) => (key.startsWith(`${group}/`) ? [key.slice(group.length + 1)] : [])).sort(),
    open: async (group, log) => of(group, log).parts,
    async hold(group, log, hold) {
      const { sequencer } = of(group, log);
      if (sequencer.hold === undefined || sequencer.hold.backupId === hold.backupId) sequencer.hold = hold;
      return sequencer.hold;
    },
    async heldFrom(group, log, backupId) {
      const { hold } = of(group, log).sequencer;
      return hold?.backupId === backupId ? hold.from : undefined;
    },
    async release(group, log, backupId) {
      const { sequencer } = of(group, log);
      if (sequencer.hold?.backupId === backupId) sequencer.hold = undefined;
    },
    async create(group, log) {
      known.add(`${group}/${log}`);
    },
    async forget(group, log) {
      known.delete(`${group}/${log}`);
      of(group, log).sequencer.record = undefined;
    },
  };
}

/** Makes a log and lets its replicas vote. */
export async function initialise(logs: MemoryLogs, group: string, log: string): Promise<void> {
  await logs.create(group, log);
  const { parts } = logs.of(group, log);
  await Promise.all(parts.replicas.map((replica) => recover(parts, replica, { autoInitialize: true })));
}

/** A writer that waits when a backup holds it back, as the client library does, and is elected again when it must. */
export function memoryWriter({ parts }: MemoryLog, version: number) {
  const memory: WriterMemory = { settlements: new Map() };
  let writerId = '';
  const counted = { elections: 0, locked: 0, held: 0 };
  const write = async (content: Content): Promise<number> => {
    const requestId = randomUUID();
    for (;;) {
      if (writerId === '') {
        const election = await elect(parts, version);
        if (!('elected' in election)) throw new Error(`Not elected: ${JSON.stringify(election)}`);
        writerId = election.elected.writerId;
        counted.elections += 1;
      }
      const answer = await append(parts, memory, { writerId, requestId, content });
      if ('last' in answer) return answer.last;
      if ('stateLocked' in answer) {
        counted.locked += 1;
        await parts.timer.sleep(20);
      } else if ('held' in answer) {
        counted.held += 1;
        return -1;
      } else writerId = '';
    }
  };
  return {
    counted,
    append: (...entries: string[]) => write({ type: 'APPEND', entries: entries.map((entry) => Buffer.from(entry)) }),
    truncate: (to: number) => write({ type: 'TRUNCATE', to }),
  };
}
