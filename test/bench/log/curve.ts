/**
 * Appends of many callers to one log. With TENURE_BENCH_BEFORE, the folder of another checkout with its dependencies,
 * the same is measured of that code in turns.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Row } from '../bench.ts';
import { compare, interleaved, type Measurement, median } from '../samples.ts';

const callers = [1, 4, 16, 64] as const;
const entriesEach = [1, 10, 64] as const;
const entryBytes = 100;
/** Of one sample. */
const sampleMs = 1_200;
const rounds = 3;

export const before = process.env['TENURE_BENCH_BEFORE'];

/** A log, and what callers append to it in one sample. */
interface Appending {
  /** Returns the ms for each acknowledged entry, and adds to the outcomes that were not known. */
  sample(callers: number, entries: number): Promise<number>;
  /** The median ms of one append of one caller. */
  readonly waits: number[];
  readonly unknown: { count: number };
}

export async function curve(endpoint: string, say: (progress: string) => void): Promise<Row[]> {
  const ours = await appendingOf(join(import.meta.dirname, '..', '..', '..'), endpoint);
  const theirs = before ? await appendingOf(before, endpoint) : undefined;
  const rows: Row[] = [];
  for (const each of entriesEach) {
    for (const many of callers) {
      say(`${many} callers, ${each} entries each`);
      const work: Record<string, Measurement> = { ours: () => ours.sample(many, each) };
      if (theirs) work['theirs'] = () => theirs.sample(many, each);
      ours.waits.length = 0;
      if (theirs) theirs.waits.length = 0;
      const ms = (await interleaved({ rounds, warmUp: 1 }, work)) as { ours: number[]; theirs?: number[] };
      rows.push(rateRow(many, each, ms));
      if (many === 1 && each === 1) rows.push(waitRow(ours, theirs));
    }
  }
  rows.push({
    what: 'outcome_unknown in all of these',
    ours: String(ours.unknown.count),
    theirs: theirs ? String(theirs.unknown.count) : '',
    aim: { said: '0', met: ours.unknown.count === 0 },
  });
  return rows;
}

function rateRow(many: number, each: number, { ours, theirs }: { ours: number[]; theirs?: number[] }): Row {
  const what = `${many} caller${many > 1 ? 's' : ''}, ${each} entr${each > 1 ? 'ies' : 'y'} an append`;
  const shown = (ms: number[]) => `${Math.round(1_000 / median(ms))} entries/s`;
  if (!theirs) return { what, ours: shown(ours), theirs: '' };
  return { what, ours: shown(ours), theirs: shown(theirs), ratio: median(ours) / median(theirs) };
}

function waitRow(ours: Appending, theirs: Appending | undefined): Row {
  const what = 'one caller, one entry, p50';
  if (theirs) return compare(what, { ours: ours.waits, theirs: theirs.waits, atMost: 1 });
  return { what, ours: `${median(ours.waits).toFixed(2)} ms`, theirs: '' };
}

/** The modules of a checkout: what they export here has not changed since group commit came. */
async function appendingOf(root: string, endpoint: string): Promise<Appending> {
  const load = (path: string) => import(pathToFileURL(join(root, path)).href);
  // The place of the protocol before the log had a root of its own.
  const protocol = existsSync(join(root, 'log/protocol')) ? 'log/protocol' : 'functions/log/protocol';
  const { logsWith } = (await load('test/support/log/tables.ts')) as typeof import('../../support/log/tables.ts');
  const { initialize } = (await load(
    `${protocol}/initialize.ts`,
  )) as typeof import('../../../log/protocol/initialize.ts');
  const { elect } = (await load(`${protocol}/coordinator.ts`)) as typeof import('../../../log/protocol/coordinator.ts');
  const { GroupCommit } = (await load(
    `${protocol}/group-commit.ts`,
  )) as typeof import('../../../log/protocol/group-commit.ts');

  const { room } = await logsWith(endpoint, 3);
  await room.create({ group: 'orders', log: 'journal', autoInitialize: false, createdAt: Date.now() });
  const parts = await room.open('orders', 'journal');
  for (const replica of parts.replicas) await initialize(parts, replica, false);
  let writerId = '';
  const seat = async () => {
    const election = await elect(parts, 0);
    if (!('elected' in election)) throw new Error(`Not elected: ${JSON.stringify(election)}`);
    writerId = election.elected.writerId;
  };
  await seat();
  const group = new GroupCommit();
  const memory = { settlements: new Map() };
  const waits: number[] = [];
  const unknown = { count: 0 };

  const appendOne = async (entries: readonly Uint8Array[]): Promise<number> => {
    const startedAt = performance.now();
    const content = { type: 'APPEND' as const, entries };
    const requestId = randomBytes(9).toString('base64url');
    // The size of a request before slots came.
    const values = entries.map((data, index) => ({ type: 'APPEND', data, requestId, index }));
    const answer = await group.append(parts, memory, { writerId, requestId, content, ...{ values } });
    waits.push(performance.now() - startedAt);
    if ('first' in answer) return entries.length;
    if ('outcomeUnknown' in answer) unknown.count += 1;
    if ('outcomeUnknown' in answer || 'notElected' in answer || 'exclusivityLost' in answer) await seat();
    return 0;
  };

  return {
    waits,
    unknown,
    async sample(many, each) {
      const entries = Array.from({ length: each }, () => randomBytes(entryBytes));
      const startedAt = performance.now();
      let acknowledged = 0;
      const caller = async () => {
        while (performance.now() - startedAt < sampleMs) {
          const more = await appendOne(entries);
          // After the wait: meanwhile the other callers have counted theirs.
          acknowledged += more;
        }
      };
      await Promise.all(Array.from({ length: many }, caller));
      return (performance.now() - startedAt) / Math.max(1, acknowledged);
    },
  };
}
