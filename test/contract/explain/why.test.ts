/** Situations staged in a real table, through the routes that `tenure explain` reads: one call names each of them. */
import { beforeEach, describe, expect, test } from 'vitest';
import { catalogue } from '../../../api/catalogue.ts';
import { gather } from '../../../cli/explain/gather.ts';
import { explain } from '../../../client/explain/explain.ts';
import { type Question, type Subject, why } from '../../../client/explain/why.ts';
import { TenureClient } from '../../../client/tenure-client.ts';
import { systemTime } from '../../../client/time.ts';
import { Journal } from '../../../functions/leadership/journal.ts';
import { journalTable } from '../../../functions/leadership/journal-table.ts';
import {
  contendRoutes,
  journalRoutes,
  leaseRoutes,
  observeRoutes,
  operateRoutes,
} from '../../../functions/leadership/routes.ts';
import { serve } from '../../../functions/platform/http.ts';
import { leaseMs, openRoom, skewMs } from '../leadership/room.ts';
import { changeItem } from '../leadership/tamper.ts';

let it: Awaited<ReturnType<typeof openRoom>>;
let client: TenureClient;
/** Refuses as API Gateway does, before anything of Tenure runs. */
let refuses: (url: string) => boolean;

beforeEach(async () => {
  it = await openRoom();
  refuses = () => false;
  const kept = journalTable(it.other, it.table);
  const journal = new Journal({ store: kept, clock: it.clock });
  const app = serve(
    [
      ...contendRoutes(it.room),
      ...leaseRoutes(it.room),
      ...observeRoutes({ ...it.room, watches: it.watches }),
      ...operateRoutes(it.room, it.groups),
      ...journalRoutes({ journal: kept, isKept: true, clock: it.clock }),
    ],
    { known: Object.values(catalogue), noted: (outcome) => journal.note(outcome) },
  );
  const fetch = async (input: unknown, init?: RequestInit) => {
    const url = String(input);
    if (refuses(url)) return new Response('{"message":"Forbidden"}', { status: 403 });
    return app.request(url, init);
  };
  const time = { ...systemTime, now: () => it.clock.time };
  client = new TenureClient({ url: 'http://api.test', fetch: fetch as typeof globalThis.fetch, time, deadlineMs: 1 });
});

const group = 'orders';
const hour = 3_600_000;

async function lead(contenderId: string, instanceId = `instance-of-${contenderId}`) {
  const fence = await client.contend(group, { contenderId, instanceId, leaseMs });
  it.clock.time += 120;
  await client.confirm(group, fence, { address: `${contenderId}:1` });
  return fence;
}

async function asked(question: Question, subject: Subject = {}) {
  return why(question, await gather(client, group, hour), subject);
}

describe('why does nobody lead?', () => {
  test('a frozen leader: first the allowance for skew, then a lease that nobody takes', async () => {
    await lead('a');
    it.clock.time += leaseMs - 120;
    expect(await asked('nobody-leads')).toMatchObject({
      cause: 'skew-allowance',
      answer: `The lease of version 1 has just run out; it can be taken in ${skewMs + 1} ms, once the allowance for clock skew has passed.`,
    });
    it.clock.time += 5_000;
    const found = await asked('nobody-leads');
    expect(found.cause).toBe('leader-lost');
    expect(found.evidence.join('\n')).toContain('the lease of 10.0 s ran out at');
  });

  test('revoked with time left', async () => {
    await lead('a');
    await client.revoke(group, { fencingVersion: 1, reason: 'host is drained' });
    const { cause, answer, evidence } = await asked('nobody-leads');
    expect(cause).toBe('revoked');
    expect(answer).toContain(`nobody can take the lease for ${((leaseMs - 120 + skewMs + 1) / 1_000).toFixed(1)} s`);
    expect(evidence.join()).toContain('“host is drained”');
  });

  test('a reserved successor that does not come', async () => {
    const fence = await lead('a');
    await client.resign(group, fence, { successor: 'heir' });
    expect(await asked('nobody-leads')).toMatchObject({
      cause: 'reserved',
      answer: expect.stringContaining('kept for heir'),
    });
  });

  test('a barred instance alone', async () => {
    const fence = await lead('a');
    await client.resign(group, fence);
    const found = await asked('nobody-leads');
    expect(found).toMatchObject({
      cause: 'barred',
      answer: expect.stringContaining('leaves the lease to others for 10.0 s more'),
    });
    it.clock.time += leaseMs + 1;
    expect((await asked('nobody-leads')).cause).toBe('nobody-contends');
  });

  test('a restore under way', async () => {
    const fence = await lead('a');
    await client.resign(group, fence);
    await changeItem(it.other, it.table, group, (item) => ({ ...item, restoring: 'restore-1' }));
    const found = await asked('nobody-leads');
    expect(found).toMatchObject({
      cause: 'restoring',
      next: [`tenure restore show restore-1 --group ${group}`, expect.any(String)],
    });
  });

  test('a leader that never gets ready', async () => {
    const fence = await lead('a');
    await client.resign(group, fence);
    for (const contenderId of ['b', 'c', 'd']) {
      await client.contend(group, { contenderId, leaseMs });
      if (contenderId !== 'd') it.clock.time += leaseMs + skewMs + 1;
    }
    const { cause, answer } = await asked('nobody-leads');
    expect({ cause, answer }).toEqual({
      cause: 'pending',
      answer:
        'Version 4 gets ready, as 2 before it did that were never confirmed: new leaders fail while they recover.',
    });
  });

  test('a contender without permission, which Tenure never sees', async () => {
    const fence = await lead('a');
    await client.resign(group, fence, { stayOut: false });
    refuses = (url) => url.endsWith('/contend');
    await expect(client.contend(group, { contenderId: 'b' })).rejects.toMatchObject({ code: 'forbidden' });
    const { cause, next } = await asked('nobody-leads');
    expect(cause).toBe('nobody-contends');
    expect(next.join(' ')).toContain('lacks execute-api:Invoke on POST /v1/groups/orders/leadership/contend');
  });

  test('a caller who may not look', async () => {
    await lead('a');
    refuses = (url) => url.includes('/leadership');
    expect(await asked('nobody-leads')).toMatchObject({ cause: 'forbidden' });
  });

  test('a throttled table', async () => {
    await lead('a');
    it.faults.plan = () => 'throttle';
    const found = await asked('nobody-leads');
    expect(found.cause).toBe('unavailable');
    expect(found.answer).toContain('its table is throttled or out of reach');
  });

  test('a group that nobody ever led', async () => {
    expect((await asked('nobody-leads')).cause).toBe('never-led');
  });
});

describe('why did it move?', () => {
  test('a frozen leader, with the time that each part of the gap took', async () => {
    await lead('a');
    it.clock.time += leaseMs + 400 - 120;
    await lead('b');
    const { cause, answer, evidence } = await asked('moved');
    expect(cause).toBe('expired');
    expect(answer).toContain('From a to b, with version 2: a stopped renewing');
    expect(answer).toContain('Nobody led for 520 ms.');
    expect(evidence).toContain('b got ready and was confirmed 120 ms after the grant');
    const { entries, availability } = explain(await gather(client, group, hour));
    expect(entries.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^version 2 granted to b 400 ms after/),
    );
    expect(availability).toMatchObject({ gaps: 1, gapMs: 520, ledMs: leaseMs - 120 });
  });

  test('a clock ahead, in a function that grants', async () => {
    await lead('a');
    const truth = it.clock.time + 1_000;
    it.clock.time = truth + leaseMs + 10_000;
    const fence = await client.contend(group, { contenderId: 'b', leaseMs });
    it.clock.time = truth;
    await client.confirm(group, fence, { address: 'b:1' });
    const { cause, evidence } = await asked('moved');
    expect(cause).toBe('clock-ahead');
    expect(evidence.join()).toContain('the clock that granted it is ahead by at least that');
  });
});

test('why was this write refused? its term was revoked, and another leads', async () => {
  await lead('a');
  await client.revoke(group, { fencingVersion: 1, reason: 'host is drained', force: true });
  await lead('b');
  const { cause, answer } = await asked('refused', { fencingVersion: 1 });
  expect(cause).toBe('fenced');
  expect(answer).toMatch(
    /^The term of version 1 ended at .*: an operator revoked it \(“host is drained”\); b leads with 2\.$/,
  );
});

test('why was a write refused? without a version: the newest refusal that the journal has', async () => {
  const fence = await lead('a');
  it.clock.time += leaseMs + skewMs + 1;
  await lead('b');
  await expect(client.renew(group, fence, {})).rejects.toMatchObject({ code: 'leadership_lost' });
  const { cause, answer } = await asked('refused');
  expect(cause).toBe('fenced');
  expect(answer).toMatch(
    /^The newest refusal is POST leadership\/renew with version 1. The term of version 1 ended at/,
  );
  const { entries } = explain(await gather(client, group, hour));
  expect(entries).toContainEqual(
    expect.objectContaining({
      kind: 'refused',
      text: 'a lease was lost: POST leadership/renew of version 1 (a) refused once',
    }),
  );
});

test('who waits is seen, and a contender without permission is not', async () => {
  const fence = await lead('a');
  await expect(client.contend(group, { contenderId: 'b', leaseMs })).rejects.toMatchObject({ code: 'leadership_held' });
  refuses = (url) => url.endsWith('/contend');
  await expect(client.contend(group, { contenderId: 'c', leaseMs })).rejects.toMatchObject({ code: 'forbidden' });
  await client.resign(group, fence, { stayOut: false });
  it.clock.time += 2_000;
  const { cause, evidence } = await asked('nobody-leads');
  expect(cause).toBe('nobody-contends');
  expect(evidence).toContain('b waits: it was seen 2.00 s ago');
  expect(evidence.join()).not.toContain('c waits');
});
