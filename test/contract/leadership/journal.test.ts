/** The journal of a group, and its exact cost. */
import { beforeEach, describe, expect, inject, test } from 'vitest';
import type { Operation } from '../../../api/operation.ts';
import { commitCheckpoint } from '../../../api/operations/checkpoints.ts';
import { electWriter } from '../../../api/operations/log.ts';
import { ProblemError } from '../../../api/problem.ts';
import { fenced } from '../../../api/problems/jobs.ts';
import { Journal } from '../../../functions/leadership/journal.ts';
import { journalTable } from '../../../functions/leadership/journal-table.ts';
import {
  contendRoutes,
  journalRoutes,
  leaseRoutes,
  observeRoutes,
  operateRoutes,
} from '../../../functions/leadership/routes.ts';
import { type Outcome, serve } from '../../../functions/platform/http.ts';
import { renew } from '../../../leadership/leadership.ts';
import { unitsOf } from '../../support/capacity.ts';
import { injectFaults } from '../../support/faults.ts';
import { localDocuments } from '../../support/main-table.ts';
import { leaseMs, openRoom, skewMs } from './room.ts';

const group = 'orders-in-a-region-with-a-longer-name';
const sessionId = '00000000-0000-4000-8000-000000000000';

let it: Awaited<ReturnType<typeof openRoom>>;
beforeEach(async () => {
  it = await openRoom();
  // Begin of a minute, so that a test knows which ones it fills.
  it.clock.time = Math.ceil(it.clock.time / 60_000) * 60_000;
});

/** One process of the service, with what it sends to the table. */
function startProcess(random = () => 0.5) {
  const client = localDocuments(inject('dynamodb'));
  const faults = injectFaults(client);
  const journal = new Journal({ store: journalTable(client, it.table), clock: it.clock, random });
  return { journal, faults, note: (outcome: Outcome) => journal.note(outcome) };
}

const unitsSince = (faults: ReturnType<typeof injectFaults>, from = 0) =>
  Promise.all(faults.sent.slice(from).map(async (one) => [one.command, await unitsOf(one, it.other)]));

async function minutes(sinceMs = 3_600_000) {
  const reader = { journal: journalTable(it.other, it.table), isKept: true, clock: it.clock };
  const since = new Date(it.clock.time - sinceMs).toISOString();
  const answer = await serve(journalRoutes(reader)).request(`/v1/groups/${group}/leadership/journal?since=${since}`);
  // biome-ignore lint/suspicious/noExplicitAny: what a caller reads is checked by the tests themselves
  return ((await answer.json()) as any).items as any[];
}

const refused = (job = 'totals', fencingVersion = 7): Outcome => ({
  operation: commitCheckpoint as unknown as Operation,
  params: { group, job },
  query: {},
  body: {},
  fence: { fencingVersion, sessionId },
  problem: new ProblemError(fenced, 'refused', {}),
});

const elected = (log = 'events'): Outcome => ({
  operation: electWriter as unknown as Operation,
  params: { group, log },
  query: {},
  body: {},
  fence: { fencingVersion: 8, sessionId },
  answer: { writerId: sessionId, ballot: 3, position: 40 },
});

describe('costs', () => {
  test('the first note of a minute is one write unit, and so is each second in which more is noted', async () => {
    const { faults, note } = startProcess();
    await note(refused());
    for (let n = 0; n < 50; n += 1) expect(note(refused())).toBeUndefined();
    expect(await unitsSince(faults)).toEqual([['PutItemCommand', 1]]);
    it.clock.time += 1_000;
    await note(refused());
    expect(await unitsSince(faults, 1)).toEqual([['UpdateItemCommand', 1]]);
    expect((await minutes())[0].refused).toEqual([
      { request: 'POST jobs/totals/checkpoints', code: 'fenced', fencingVersion: 7, count: 52 },
    ]);
  });

  test('a storm of names stays within one item of 1 KB, a unit a second; what has no room is counted as others', async () => {
    const { faults, note } = startProcess();
    let noted = 0;
    for (let second = 0; second < 20; second += 1) {
      for (let n = 0; n < 40; n += 1) {
        await note(refused(`job-${second}-${n}-${'x'.repeat(40)}`, 1 + second));
        noted += 1;
      }
      it.clock.time += 1_000;
    }
    await note(refused());
    const units = await unitsSince(faults);
    expect(units).toHaveLength(21);
    expect(new Set(units.map(([, unit]) => unit))).toEqual(new Set([1]));
    const [{ refused: counted }] = await minutes();
    expect(counted.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(noted + 1);
    expect(counted).toContainEqual({ request: 'other requests', code: 'other', count: expect.any(Number) });
  });

  test('of four processes in a storm one writes within a second, and those that lose wait longer each time', async () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const processes = Array.from({ length: 4 }, () => startProcess(random));
    const from = it.clock.time;
    let noted = 0;
    for (let tick = 0; tick < 55 * 4; tick += 1) {
      for (const { note } of processes) await note(refused());
      noted += processes.length;
      it.clock.time += 250;
    }
    const sent = processes.flatMap(({ faults }) => faults.sent);
    const written = sent.filter((one) => one.refused === undefined).length;
    expect(written).toBeLessThanOrEqual((it.clock.time - from) / 1_000);
    expect(sent.length).toBeLessThan(2 * 55);
    // Notes that wait in the processes come with a later write of each.
    it.clock.time += 40_000;
    for (const { note } of processes) {
      await note(refused());
      it.clock.time += 2_000;
      await note(refused());
      it.clock.time += 2_000;
      noted += 2;
    }
    const counts = (await minutes()).map(({ refused: [first] }) => first.count as number);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(noted);
  });

  test('a contender that waits is written once a minute, however often it looks', async () => {
    const { faults, note } = startProcess();
    const app = serve(observeRoutes({ ...it.room, watches: it.watches }), { noted: note });
    for (let second = 0; second < 59; second += 1) {
      await app.request(`/v1/groups/${group}/leadership?waiting=b`);
      it.clock.time += 1_000;
    }
    expect(await unitsSince(faults)).toEqual([['PutItemCommand', 1]]);
    it.clock.time += 1_000;
    await app.request(`/v1/groups/${group}/leadership?waiting=b`);
    expect(await unitsSince(faults, 1)).toEqual([['PutItemCommand', 1]]);
  });

  test('a renewal costs one write unit as ever, and leaves nothing in the journal', async () => {
    const { faults, note } = startProcess();
    const app = serve([...contendRoutes(it.room), ...leaseRoutes(it.room)], { noted: note });
    const contended = await app.request(`/v1/groups/${group}/leadership/contend`, {
      method: 'POST',
      body: JSON.stringify({ contenderId: 'a', leaseMs }),
    });
    const term = (await contended.json()) as { fencingVersion: number; sessionId: string };
    const headers = { 'Fencing-Version': `${term.fencingVersion}`, 'Leader-Session': term.sessionId };
    const from = it.faults.sent.length;
    const renewed = await app.request(`/v1/groups/${group}/leadership/renew`, { method: 'POST', headers, body: '{}' });
    expect(renewed.status).toBe(200);
    expect(it.faults.sent.slice(from)).toMatchObject([{ command: 'UpdateItemCommand', capacity: 1 }]);
    expect(faults.sent).toEqual([]);
  });

  test('the item of yesterday at this time is begun anew', async () => {
    const { note } = startProcess();
    await note(refused('of-yesterday'));
    it.clock.time += 24 * 3_600_000;
    const { faults, note: later } = startProcess();
    await later(refused('of-today'));
    expect(faults.sent).toHaveLength(1);
    const kept = await minutes(23 * 3_600_000);
    expect(kept).toHaveLength(1);
    expect(kept[0].refused).toMatchObject([{ request: 'POST jobs/of-today/checkpoints', count: 1 }]);
  });
});

describe('the content', () => {
  test('a leader whose term has ended, through the API: its renewal is refused and counted', async () => {
    const { note } = startProcess();
    const app = serve([...leaseRoutes(it.room), ...operateRoutes(it.room, it.groups)], { noted: note });
    const fence = await it.contend('a', undefined, group);
    it.clock.time += leaseMs + skewMs + 1;
    await it.contend('b', undefined, group);
    const headers = { 'Fencing-Version': `${fence.fencingVersion}`, 'Leader-Session': fence.sessionId };
    const answer = await app.request(`/v1/groups/${group}/leadership/renew`, { method: 'POST', headers, body: '{}' });
    expect(answer.status).toBe(409);
    await expect(renew(it.room, group, fence, {})).rejects.toMatchObject({ code: 'leadership_lost' });
    expect((await minutes())[0].refused).toEqual([
      { request: 'POST leadership/renew', code: 'leadership_lost', fencingVersion: 1, count: 1 },
    ]);
  });

  test('who asks in vain waits', async () => {
    const { note } = startProcess();
    const app = serve(contendRoutes(it.room), { noted: note });
    await it.contend('a', undefined, group);
    const body = JSON.stringify({ contenderId: 'b' });
    await app.request(`/v1/groups/${group}/leadership/contend`, { method: 'POST', body });
    expect((await minutes())[0].waiting).toEqual([{ contenderId: 'b', seenAt: new Date(it.clock.time).toISOString() }]);
  });

  test('elections and requests for a hand-over stand there with who and what', async () => {
    const { note } = startProcess();
    await note(elected());
    it.clock.time += 1_000;
    const app = serve(operateRoutes(it.room, it.groups), { noted: note });
    const { fencingVersion } = await it.contend('a', undefined, group);
    const body = JSON.stringify({ fencingVersion, successor: 'b' });
    await app.request(`/v1/groups/${group}/leadership/hand-over`, { method: 'POST', body });
    expect((await minutes())[0].happened).toEqual([
      {
        at: new Date(it.clock.time - 1_000).toISOString(),
        what: 'writer-elected',
        details: { log: 'events', ballot: 3, position: 40, fencingVersion: 8 },
      },
      {
        at: new Date(it.clock.time).toISOString(),
        what: 'hand-over-asked',
        details: { contenderId: 'a', fencingVersion: 1, successor: 'b' },
      },
    ]);
  });

  test('a table that cannot be written holds nobody up, and what was counted comes with a later write', async () => {
    const { faults, note } = startProcess();
    faults.plan = () => 'transaction conflict';
    await note(refused());
    faults.plan = () => undefined;
    expect(await minutes()).toEqual([]);
    it.clock.time += 5_000;
    await note(refused());
    expect((await minutes())[0].refused[0].count).toBe(2);
  });

  test('a period over midnight is read whole, and never more than a day', async () => {
    const { note } = startProcess();
    it.clock.time = Math.ceil(it.clock.time / 86_400_000) * 86_400_000 - 30_000;
    await note(refused());
    it.clock.time += 60_000;
    await note(refused());
    expect(await minutes()).toHaveLength(2);
    expect(await minutes(9 * 24 * 3_600_000)).toHaveLength(2);
  });
});
