import { beforeEach, describe, expect, inject, test } from 'vitest';
import { tableClient } from '../../../client/direct/table-client.ts';
import { LeaderElector } from '../../../client/leadership/elector.ts';
import { TenureClient } from '../../../client/tenure-client.ts';
import { contendRoutes, leaseRoutes, observeRoutes, operateRoutes } from '../../../functions/leadership/routes.ts';
import { watchTable } from '../../../functions/leadership/watch-table.ts';
import { serve } from '../../../functions/platform/http.ts';
import { groupTable } from '../../../leadership/group-table.ts';
import { sweep } from '../../../leadership/history.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { systemClock } from '../../../store/clock.ts';
import { createMainTable, localDocuments, localDynamoDb } from '../../support/main-table.ts';

const group = 'orders';

/** One table with both ways to it. */
async function bothWays() {
  const endpoint = inject('dynamodb');
  const table = await createMainTable(endpoint);
  const documents = localDocuments(endpoint);
  const groups = groupTable(documents, table);
  const room = { store: leaseTable(documents, table), clock: systemClock, maxClockSkewMs: 250 };
  const watches = watchTable(documents, table);
  const app = serve([
    ...contendRoutes(room),
    ...leaseRoutes(room),
    ...observeRoutes({ ...room, watches }),
    ...operateRoutes(room, groups),
  ]);
  const api = () =>
    new TenureClient({
      url: 'http://api',
      fetch: async (input, init) => app.request(String(input), init as RequestInit),
    });
  const direct = () => tableClient({ table: { name: table, dynamodb: localDynamoDb(endpoint) } });
  return { api, direct, groups };
}

let ways: Awaited<ReturnType<typeof bothWays>>;
beforeEach(async () => {
  ways = await bothWays();
});

test('six contenders, through the API and on the table, lead one after the other, each once', async () => {
  const spans: { version: number; from: number; to: number; kind: string }[] = [];
  const led = new Map<string, () => void>();
  const all = Array.from({ length: 6 }, (_, at) => {
    const kind = at % 2 === 0 ? 'api' : 'direct';
    const contenderId = `${kind}-${at}`;
    const turn = new Promise<void>((resolve) => led.set(contenderId, resolve));
    const elector = new LeaderElector({
      client: kind === 'api' ? ways.api() : ways.direct(),
      group,
      contenderId,
      leaseMs: 60_000,
      handoverPollMs: 50,
      contendAgain: false,
      lead: async ({ fencingVersion: version, signal }) => {
        const from = performance.now();
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect(signal.aborted).toBe(false);
        spans.push({ version, from, to: performance.now(), kind });
        led.get(contenderId)?.();
      },
      onError: (error) => expect.fail(String(error)),
    });
    return { elector, turn };
  });
  for (const { elector } of all) elector.start();
  await Promise.all(all.map(({ turn }) => turn));
  await Promise.all(all.map(({ elector }) => elector.close()));

  expect(spans.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6]);
  for (const [at, span] of spans.entries()) expect(span.from).toBeGreaterThanOrEqual(spans[at - 1]?.to ?? 0);
  expect(new Set(spans.map(({ kind }) => kind)).size).toBe(2);
  const { items } = await ways.groups.listTerms(group, undefined, 10);
  expect(items.map(({ fencingVersion }) => fencingVersion)).toEqual([6, 5, 4, 3, 2, 1]);
});

describe('a full stack takes over the table', () => {
  const leaseMs = 60_000;

  test('while a direct leader leads: it is shown, kept, and followed by the next version', async () => {
    const [api, direct] = [ways.api(), ways.direct()];
    const term = await direct.contend(group, { contenderId: 'old', leaseMs });
    await direct.confirm(group, term, { address: 'old:1' });
    expect(await api.observe(group)).toMatchObject({ leader: { contenderId: 'old', address: 'old:1' } });
    await expect(api.contend(group, { contenderId: 'new', leaseMs })).rejects.toMatchObject({
      code: 'leadership_held',
    });
    await api.renew(group, term, { leaseMs });
    await direct.resign(group, term, { successor: 'new' });
    const next = await api.contend(group, { contenderId: 'new', leaseMs });
    expect(next.fencingVersion).toBe(term.fencingVersion + 1);
    await api.confirm(group, next, { address: 'new:1' });
    await expect(direct.renew(group, term, { leaseMs })).rejects.toMatchObject({
      code: 'leadership_lost',
      members: { reason: 'superseded', fencingVersion: next.fencingVersion },
    });
    const { items } = await ways.groups.listTerms(group, undefined, 10);
    expect(items).toMatchObject([{ contenderId: 'new' }, { contenderId: 'old', endReason: 'resigned' }]);
  });

  test('and its sweep writes the end of a term that a direct leader left', async () => {
    const direct = ways.direct();
    const term = await direct.contend(group, { contenderId: 'old', leaseMs });
    await direct.confirm(group, term, { address: 'old:1' });
    const later = { now: () => Date.now() + 3 * leaseMs };
    expect(await sweep(ways.groups, later, 250)).toMatchObject({ groups: 1, expired: 1 });
    const { items } = await ways.groups.listTerms(group, undefined, 10);
    expect(items).toMatchObject([{ contenderId: 'old', endReason: 'expired' }]);
    const next = await direct.contend(group, { contenderId: 'next', leaseMs });
    expect(next.fencingVersion).toBe(2);
  });
});

test('a direct contender takes the lease of an API leader that vanished, once it has run out', async () => {
  const term = await ways.api().contend(group, { contenderId: 'gone', leaseMs: 1_000 });
  let granted = (_version: number) => {};
  const version = new Promise<number>((resolve) => {
    granted = resolve;
  });
  const elector = new LeaderElector({
    client: ways.direct(),
    group,
    leaseMs: 60_000,
    onGranted: ({ fencingVersion }) => granted(fencingVersion),
  });
  elector.start();
  expect(await version).toBe(term.fencingVersion + 1);
  await elector.close();
});
