/** Held requests for the leader, over two instances of the function that serves them and the one that leaders use. */
import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { observe } from '../../../api/operations/leadership.ts';
import { contendRoutes, leaseRoutes, observeRoutes, operateRoutes } from '../../../functions/leadership/routes.ts';
import { type App, serve } from '../../../functions/platform/http.ts';
import { lambdaHandler } from '../../../functions/platform/lambda.ts';
import { leadershipOperations } from '../../../leadership/operations.ts';
import { unitsOf } from '../../support/capacity.ts';
import { fenceOf, leadership } from './caller.ts';
import { leaseMs, openRoom, skewMs } from './room.ts';

let it: Awaited<ReturnType<typeof openRoom>>;
let leaders: App;
let instances: readonly [App, App];

const watchingApp = () => serve(observeRoutes({ ...it.room, watches: it.watches }));

beforeEach(async () => {
  it = await openRoom();
  leaders = serve([...contendRoutes(it.room), ...leaseRoutes(it.room), ...operateRoutes(it.room, it.groups)]);
  instances = [watchingApp(), watchingApp()];
});

// biome-ignore lint/suspicious/noExplicitAny: what a caller reads is checked by the tests themselves
type Answered = { readonly status: number; readonly body: any };

async function write(method: string, path: string, body: object, headers: Record<string, string> = {}) {
  const answer = await leaders.request(`${leadership}${path}`, { method, headers, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() } as Answered;
}

/** A request of the caller, at one of the instances. */
async function look(query: string, { at = 0, caller = 'follower', remainingMs = 29_000 } = {}): Promise<Answered> {
  const iam = { userArn: `arn:aws:sts::1:assumed-role/app/${caller}` };
  const requestContext = { authorizer: { iam }, domainName: 'api.test', http: { method: 'GET' } };
  const event = { rawPath: leadership, rawQueryString: query, headers: {}, requestContext };
  const context = { getRemainingTimeInMillis: () => remainingMs };
  const answer = await lambdaHandler(instances[at] as App)(event as never, context as never);
  return { status: answer.statusCode as number, body: JSON.parse(String(answer.body)) };
}

/** Resolves once `count` requests have been sent that hold. */
async function untilHeld(count = 1) {
  const held = () => it.faults.sent.filter(({ command, input }) => isHold(command, input)).length;
  while (held() < count) await pause(5);
}

/** The end of a hold has the same member, and removes it. */
function isHold(command: string, input: unknown): boolean {
  const text = JSON.stringify(input);
  return command === 'UpdateItemCommand' && text.includes('heldUntil') && !text.includes('REMOVE');
}

async function led() {
  const granted = await write('POST', '/contend', { contenderId: 'a', instanceId: 'p1', leaseMs });
  const fence = fenceOf(granted);
  await write('POST', '/confirm', { address: 'x:1' }, fence);
  return fence;
}

const longest = 'waitMs=20000';

describe('a held request is answered as soon as', () => {
  test.each<[string, (fence: Record<string, string>) => Promise<unknown>, object]>([
    [
      'an address is published',
      (fence) => write('PUT', '/addresses/rest', { address: 'http://a:8081' }, fence),
      { addresses: { rest: 'http://a:8081' }, fencingVersion: 1 },
    ],
    ['the leader moves', (fence) => write('POST', '/renew', { address: 'x:2' }, fence), { leader: { address: 'x:2' } }],
    ['the leader resigns', (fence) => write('POST', '/resign', {}, fence), { leader: null, fencingVersion: 1 }],
    [
      'a hand-over is asked for',
      () => write('POST', '/hand-over', { fencingVersion: 1, successor: 'b' }),
      { handOver: { successor: 'b' } },
    ],
    ['the lease runs out, which nobody writes', async () => it.clock.advance(leaseMs + 1), { leader: null }],
  ])('%s', async (_, change, expected) => {
    const fence = await led();
    const { revision } = (await look('consistent=true')).body;
    const held = look(`afterRevision=${revision}&${longest}`);
    await untilHeld();
    await change(fence);
    const { status, body } = await held;
    expect({ status, body }).toMatchObject({ status: 200, body: { ...expected, held: true } });
    expect(body.revision).not.toBe(revision);
  });

  test('a term is granted, and again once it is confirmed', async () => {
    const first = (await look('')).body;
    expect(first).toMatchObject({ leader: null, fencingVersion: 0 });
    const granting = look(`afterRevision=${first.revision}&${longest}`);
    await untilHeld();
    const granted = await write('POST', '/contend', { contenderId: 'a', leaseMs });
    const pending = (await granting).body;
    expect(pending).toMatchObject({ leader: null, fencingVersion: 1, pending: true, held: true });
    const confirming = look(`afterRevision=${pending.revision}&${longest}`, { at: 1 });
    await untilHeld(2);
    await write('POST', '/confirm', { address: 'x:1' }, fenceOf(granted));
    expect((await confirming).body).toMatchObject({ leader: { contenderId: 'a' }, pending: false, held: true });
  });

  test('the version is above the one that was given, whatever else changes before', async () => {
    const fence = await led();
    const held = look(`afterVersion=1&${longest}`);
    await untilHeld();
    await write('PUT', '/addresses/rest', { address: 'http://a:8081' }, fence);
    await write('POST', '/resign', {}, fence);
    it.clock.time += leaseMs + skewMs + 1;
    await write('POST', '/contend', { contenderId: 'b', leaseMs });
    expect((await held).body).toMatchObject({ fencingVersion: 2, pending: true, held: true });
  });
});

test('a change already made is answered at once, and a request without a wait always is', async () => {
  await led();
  const at = it.faults.sent.length;
  expect((await look(`afterRevision=0-before&${longest}`)).body).toMatchObject({ fencingVersion: 1 });
  expect((await look(`afterVersion=0&${longest}`)).body).not.toHaveProperty('held');
  expect((await look('')).body).not.toHaveProperty('held');
  expect(it.faults.sent.slice(at).map(({ command }) => command)).toEqual(Array(3).fill('GetItemCommand'));
});

test('a renewal changes nothing: the request ends with its time, and the revision is the same', async () => {
  const fence = await led();
  const { revision } = (await look('')).body;
  const held = look(`afterRevision=${revision}&waitMs=600`);
  await untilHeld();
  it.clock.time += 1_000;
  expect((await write('POST', '/renew', {}, fence)).status).toBe(200);
  expect((await held).body).toMatchObject({ held: true, revision, leader: { contenderId: 'a' } });
});

test('one request of a caller and group is held, over all instances; the others are answered at once', async () => {
  const fence = await led();
  const { revision } = (await look('')).body;
  const query = `afterRevision=${revision}&${longest}`;
  const held = look(query);
  await untilHeld();
  expect((await look(query, { at: 1 })).body).toMatchObject({ held: false, revision });
  expect((await look(query, { at: 0 })).body).toMatchObject({ held: false, revision });
  const other = look(query, { at: 1, caller: 'another' });
  await untilHeld(4);
  await write('POST', '/renew', { address: 'x:2' }, fence);
  const answers = await Promise.all([held, other]);
  expect(answers.map(({ body }) => body.held)).toEqual([true, true]);
  const again = look(`afterRevision=${answers[0]?.body.revision}&waitMs=300`, { at: 1 });
  expect((await again).body).toMatchObject({ held: true });
});

test('a hold that nobody ended, since its function died, ends by itself', async () => {
  await led();
  const { revision } = (await look('')).body;
  const now = it.clock.now();
  const caller = 'arn:aws:sts::1:assumed-role/app/follower';
  expect(await it.watches.hold('orders', caller, now, now + 20_000)).toBe(true);
  expect((await look(`afterRevision=${revision}&waitMs=300`)).body).toMatchObject({ held: false });
  await it.watches.end('orders', caller, now + 19_999);
  expect(await it.watches.hold('orders', caller, now, now + 20_000), 'another hold is not its to end').toBe(false);
  expect(await it.watches.hold('orders', caller, now + 20_000, now + 40_000)).toBe(true);
});

test('a request is never held longer than its function may run', async () => {
  await led();
  const { revision } = (await look('')).body;
  const held = await look(`afterRevision=${revision}&${longest}`, { remainingMs: 2_300 });
  expect(held.body).toMatchObject({ held: true, revision });
  const at = await look(`afterRevision=${revision}&${longest}`, { remainingMs: 1_900, caller: 'late' });
  expect(at.body).not.toHaveProperty('held');
});

test('a stale look is no change: a follower is never shown what was before', async () => {
  const fence = await led();
  const stale = await it.room.store.read('orders', true);
  await write('POST', '/renew', { address: 'x:2' }, fence);
  const { revision } = (await look('consistent=true')).body;
  let looks = 0;
  const store = Object.create(it.room.store, {
    read: {
      value: async (group: string, consistent: boolean) => {
        looks += 1;
        return consistent || looks === 1 ? it.room.store.read(group, consistent) : stale;
      },
    },
  });
  instances = [serve(observeRoutes({ ...it.room, store, watches: it.watches })), watchingApp()];
  const { body } = await look(`afterRevision=${revision}&waitMs=700`);
  expect(looks).toBeGreaterThan(3);
  expect(body).toMatchObject({ held: true });
});

test.each([
  ['waitMs=1000', 'waitMs'],
  ['waitMs=1000&afterVersion=1&afterRevision=1-x', 'waitMs'],
  ['waitMs=20001&afterVersion=1', 'waitMs'],
  ['waitMs=1000&afterVersion=-1', 'afterVersion'],
  ['waitMs=1000&afterRevision=a%20b', 'afterRevision'],
])('?%s is refused, and names %s', async (query, path) => {
  const { status, body } = await look(query);
  expect({ status, body }).toMatchObject({ status: 400, body: { code: 'invalid_request', issues: [{ path }] } });
});

test('costs half a read unit a look, a write unit to be held, and one more when it ends before its time', async () => {
  const fence = await led();
  const { revision } = (await look('')).body;
  const units = async (from: number) => {
    const sent = it.faults.sent.slice(from).filter(({ input }) => !JSON.stringify(input).includes('x:2'));
    const counted = await Promise.all(sent.map(async (one) => ({ one, units: await unitsOf(one, it.other) })));
    const of = (command: string) => counted.filter(({ one }) => one.command === command);
    const sum = (command: string) => of(command).reduce((total, { units: each }) => total + each, 0);
    return { looks: of('GetItemCommand').length, read: sum('GetItemCommand'), written: sum('UpdateItemCommand') };
  };
  let from = it.faults.sent.length;
  await look(`afterRevision=${revision}&waitMs=1000`);
  const whole = await units(from);
  expect(whole).toMatchObject({ read: whole.looks / 2, written: 1 });
  expect(whole.looks).toBeLessThanOrEqual(5);
  from = it.faults.sent.length;
  const held = look(`afterRevision=${revision}&${longest}`, { caller: 'another' });
  await untilHeld(2);
  await it.room.store.renew(
    'orders',
    { fencingVersion: 1, sessionId: fence['Leader-Session'] },
    { address: 'x:2' },
    it.clock.now(),
  );
  await held;
  const early = await units(from);
  expect(early).toMatchObject({ read: early.looks / 2 + 0.5, written: 2 });
});

test('in direct mode nothing is held: who waits there polls', async () => {
  await led();
  const performed = leadershipOperations(it.room, it.groups).find(({ operation }) => operation === observe);
  const query = { consistent: false, afterVersion: 1, waitMs: 20_000 };
  const call = { params: { group: 'orders' }, query, body: {}, fence: undefined, requestId: 'r' };
  expect(await performed?.act(call as never)).not.toHaveProperty('held');
});
