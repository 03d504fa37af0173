/**
 * The rules of a lease as cases for other languages: the items before, a request and the clock; then the writes as
 * values and as DynamoDB's own requests, the items after, and what the caller gets. docs/format.md explains them.
 */
import type { Fence } from '../../api/fence.ts';
import { ProblemError } from '../../api/problem.ts';
import { publishAddress, withdrawAddress } from '../../leadership/addresses.ts';
import { contend } from '../../leadership/contend.ts';
import { addressesKey, leadershipKey, termKey } from '../../leadership/keys.ts';
import { confirm, handOver, type Leadership, renew, resign, revoke } from '../../leadership/leadership.ts';
import type { Ending, LeadershipRecord } from '../../leadership/lease.ts';
import { toAddresses, toRecord, toTerm } from '../../leadership/lease-items.ts';
import type {
  Addresses,
  Grant,
  Published,
  PublishedAddresses,
  Renewal,
  Resignation,
  Revocation,
  Term,
} from '../../leadership/lease-store.ts';
import * as rules from '../../leadership/lease-writes.ts';
import type { Item, Key } from '../../store/item.ts';
import { toTransactItem } from '../../store/item-table.ts';
import { decide, type Write } from '../../store/write.ts';
import { leaseStores } from './lease-stores.ts';
import { MemoryItems } from './memory-items.ts';

/** A step's request; one that many languages write as JSON. */
type Request =
  | ({ readonly kind: 'contend' } & Grant)
  | ({ readonly kind: 'create'; readonly fencingVersion: number; readonly recreation?: number } & Grant)
  | { readonly kind: 'confirm'; readonly fence: Fence; readonly published: Published }
  | { readonly kind: 'renew'; readonly fence: Fence; readonly renewal: Renewal }
  | { readonly kind: 'restore'; readonly term: Item; readonly renewal: Renewal }
  | { readonly kind: 'publish'; readonly fence: Fence; readonly name: string; readonly address: string }
  | { readonly kind: 'withdraw'; readonly fence: Fence; readonly name: string }
  | ({ readonly kind: 'resign'; readonly fence: Fence; readonly requestId: string } & Resignation)
  | { readonly kind: 'hand over'; readonly fencingVersion: number; readonly successor?: string }
  | ({ readonly kind: 'revoke'; readonly requestId: string } & Revocation)
  | { readonly kind: 'expire' }
  | { readonly kind: 'close'; readonly ending: Ending };

const group = 'orders';
const table = 'leases';
const start = 1_800_000_000_000;
const leaseMs = 10_000;
const maxClockSkewMs = 250;
/** A session is a UUID, which its contender names. */
const sessionOf = (contenderId: string) => `00000000-0000-4000-8000-${contenderId.padEnd(12, '0').slice(0, 12)}`;
const grantOf = (contenderId: string, requestId = `request-of-${contenderId}`): Grant => ({
  contenderId,
  instanceId: `instance-of-${contenderId}`,
  sessionId: sessionOf(contenderId),
  leaseMs,
  requestId,
});
const fenceOf = (contenderId: string, fencingVersion: number): Fence => ({
  fencingVersion,
  sessionId: sessionOf(contenderId),
});

/** The addresses after a change, of those that the running term has published. */
function edited(
  request: Extract<Request, { kind: 'publish' | 'withdraw' }>,
  { fencingVersion }: LeadershipRecord,
  item: PublishedAddresses | undefined,
): Addresses {
  const published = item?.fencingVersion === fencingVersion ? item.addresses : {};
  if (request.kind === 'publish') return { ...published, [request.name]: request.address };
  const { [request.name]: _, ...others } = published;
  return others;
}

interface Seen {
  readonly seen: LeadershipRecord;
  readonly published: PublishedAddresses | undefined;
}

function writesOf(request: Request, { seen, published }: Seen, now: number): readonly Write[] {
  switch (request.kind) {
    case 'publish':
    case 'withdraw':
      return rules.writeAddresses(group, request.fence, seen.addressChanges, edited(request, seen, published), now);
    case 'restore':
      return [rules.restoreHolder(group, toTerm(request.term) as Term, request.renewal, now)];
    case 'contend':
      return [rules.grantLease(group, request, now, maxClockSkewMs)];
    case 'create':
      return rules.createRecord(group, request.fencingVersion, request, now, request.recreation).writes;
    case 'confirm':
      return rules.confirmTerm(seen, request.fence, request.published, now).writes;
    case 'renew':
      return [rules.renewLease(group, request.fence, request.renewal, now)];
    case 'resign':
      return [rules.resignTerm(group, request.fence, request, request.requestId, now)];
    case 'hand over':
      return [rules.askHandOver(group, request.fencingVersion, request.successor)];
    case 'revoke':
      return [rules.revokeTerm(group, request, request.requestId, now)];
    case 'expire':
      return rules.expireTerm(seen, now);
    case 'close':
      return rules.closeTerm(seen, request.ending);
  }
}

/**
 * The outcome for the caller, by the protocol itself; `create` is a part of contend and `restore` of renew, the sweep
 * has no caller.
 */
async function resultOf(request: Request, leadership: Leadership): Promise<object | null> {
  switch (request.kind) {
    case 'contend': {
      const { sessionId: _random, ...granted } = await contend(leadership, group, request, request.requestId);
      return granted;
    }
    case 'confirm':
      return confirm(leadership, group, request.fence, request.published);
    case 'renew':
      return renew(leadership, group, request.fence, request.renewal);
    case 'resign':
      await resign(leadership, group, request.fence, request, request.requestId);
      return {};
    case 'hand over':
      return handOver(leadership, group, request);
    case 'revoke':
      return revoke(leadership, group, { ...request, dryRun: false }, request.requestId);
    case 'publish':
      await publishAddress(leadership, group, request.fence, request.name, request.address);
      return {};
    case 'withdraw':
      await withdrawAddress(leadership, group, request.fence, request.name);
      return {};
    case 'create':
    case 'restore':
    case 'expire':
    case 'close':
      return null;
  }
}

const refusalOf = (error: unknown) => {
  if (!(error instanceof ProblemError)) throw error;
  const { reason, fencingVersion, retryAfterMs, holder, barred } = error.members;
  const members = { reason, fencingVersion, retryAfterMs, holder, barred };
  return { problem: error.code, ...members };
};

/** Items that one step after the other is decided on. */
class Story {
  readonly #items = new Map<string, Item>();
  readonly cases: object[] = [];

  read(key: Key): Item | undefined {
    return this.#items.get(`${key.pk}|${key.sk}`);
  }

  /** Takes an attribute off the record behind everybody's back. */
  damage(attribute: string): void {
    const { [attribute]: _, ...rest } = this.read(leadershipKey(group)) ?? {};
    const { pk, sk } = leadershipKey(group);
    this.#items.set(`${pk}|${sk}`, rest);
  }

  async take(step: string, now: number, request: Request): Promise<void> {
    const seen = toRecord(this.read(leadershipKey(group))) as LeadershipRecord;
    const published = toAddresses(this.read(addressesKey(group)));
    const result = await this.#result(request, now);
    const writes = writesOf(request, { seen, published }, now);
    const before = writes.map(({ key }) => this.read(key) ?? null);
    const decision = decide(writes, (key) => this.read(key));
    if (decision.kind === 'written')
      for (const { key, after } of decision.effects) if (after) this.#items.set(`${key.pk}|${key.sk}`, after);
    const outcome =
      decision.kind === 'written'
        ? { kind: 'written', after: decision.effects.map(({ after }) => after ?? null) }
        : { kind: 'refused', refused: decision.refusals.map(({ at }) => at) };
    const sent = writes.map((write) => toTransactItem(table, write));
    this.cases.push({ step, now, request, before, writes, sent, outcome, result });
  }

  async #result(request: Request, now: number): Promise<object | null> {
    const items = new MemoryItems();
    for (const item of this.#items.values()) items.place(item as unknown as Key, item);
    const store = leaseStores(items);
    const leadership: Leadership = { store, clock: { now: () => now }, maxClockSkewMs, random: () => 0 };
    return resultOf(request, leadership).catch(refusalOf);
  }
}

/** Every step of a lease, once taken and once refused, in the order in which a group's life meets them. */
export async function leaseVectors() {
  const story = new Story();
  const take = (step: string, now: number, request: Request) => story.take(step, now, request);
  const contended = (contenderId: string, now: number, requestId?: string) =>
    take(`${contenderId} contends`, now, { kind: 'contend', ...grantOf(contenderId, requestId) });
  const made = (contenderId: string, now: number) =>
    take(`${contenderId} makes the record`, now, { kind: 'create', fencingVersion: 1, ...grantOf(contenderId) });
  const renewed = (contenderId: string, version: number, now: number, renewal: Renewal = { leaseMs }) =>
    take(`${contenderId} renews`, now, { kind: 'renew', fence: fenceOf(contenderId, version), renewal });
  const confirmed = (contenderId: string, version: number, now: number, published: Published = { address: 'host:1' }) =>
    take(`${contenderId} confirms`, now, { kind: 'confirm', fence: fenceOf(contenderId, version), published });
  const resigned = (contenderId: string, version: number, now: number, more: Partial<Resignation> = {}) => {
    const fence = fenceOf(contenderId, version);
    return take(`${contenderId} resigns`, now, { kind: 'resign', fence, requestId: 'bye', stayOut: true, ...more });
  };
  const asked = (fencingVersion: number, now: number, successor?: string) =>
    take('an operator asks for a hand-over', now, {
      kind: 'hand over',
      fencingVersion,
      ...(successor !== undefined && { successor }),
    });

  await contended('a', start);
  await made('a', start);
  await made('b', start);
  await confirmed('a', 1, start + 1, { address: 'host:1', metadata: { zone: 'é' } });
  await contended('b', start + 2);
  await contended('a', start + 3, 'request-2-of-a');
  await renewed('a', 1, start + 4_000);
  await renewed('a', 1, start + 3_000);
  await renewed('a', 1, start + 5_000, { address: 'host:2', metadata: { zone: 'b' } });
  await renewed('a', 1, start + 5_001, {});
  await asked(1, start + 5_002);
  await renewed('a', 1, start + 5_003);
  const expiry = start + 5_003 + leaseMs;
  await renewed('a', 1, expiry);
  await contended('b', expiry + maxClockSkewMs);
  await contended('b', expiry + maxClockSkewMs + 1);
  await confirmed('a', 1, expiry + maxClockSkewMs + 2);
  await confirmed('b', 2, expiry + maxClockSkewMs + 2);
  await resigned('a', 1, expiry + maxClockSkewMs + 3);
  const resignedAt = expiry + maxClockSkewMs + 4;
  await resigned('b', 2, resignedAt, { successor: 'heir' });
  await contended('c', resignedAt + 1);
  await contended('b', resignedAt + 1, 'request-of-b');
  await contended('heir', resignedAt + 2);
  const order = { kind: 'revoke', fencingVersion: 3, reason: 'stuck', force: false, requestId: 'order-1' } as const;
  await take('an operator revokes', resignedAt + 3, order);
  await take('an operator revokes again', resignedAt + 4, { ...order, requestId: 'order-2' });
  await contended('c', resignedAt + 5);
  await asked(3, resignedAt + 6, 'd');
  const free = resignedAt + 2 + leaseMs + maxClockSkewMs + 1;
  await contended('c', free);
  await asked(4, free + 1, 'd');
  await resigned('c', 4, free + 2);
  await contended('c', free + 3, 'request-2-of-c');
  await contended('c', free + 2 + leaseMs, 'request-3-of-c');
  await contended('c', free + 3 + leaseMs, 'request-4-of-c');
  const forced = { ...order, fencingVersion: 5, force: true, requestId: 'order-3' };
  await take('an operator revokes by force', free + 4 + leaseMs, forced);
  await contended('d', free + 5 + leaseMs);
  await resigned('d', 6, free + 6 + leaseMs, { stayOut: false });
  await contended('d', free + 7 + leaseMs, 'request-2-of-d');
  await take('the sweep expires', free + 60_000, { kind: 'expire' });
  await take('the sweep closes', free + 60_001, { kind: 'close', ending: { reason: 'resigned', at: resignedAt } });
  const again = free + 60_002;
  await contended('d', again, 'request-3-of-d');
  await confirmed('d', 8, again + 1, { address: 'host:4', metadata: { zone: 'b' } });
  const change = (contenderId: string, version: number, how: 'publish' | 'withdraw', name: string, now: number) =>
    take(`${contenderId} ${how === 'publish' ? 'publishes' : 'withdraws'} an address`, now, {
      fence: fenceOf(contenderId, version),
      name,
      ...(how === 'publish' ? { kind: how, address: `host:4/${name}` } : { kind: how }),
    });
  await change('d', 8, 'publish', 'ui', again + 2);
  await change('d', 8, 'publish', 'rpc', again + 3);
  await change('c', 4, 'publish', 'ui', again + 4);
  await change('d', 8, 'withdraw', 'ui', again + 5);
  await change('c', 4, 'withdraw', 'rpc', again + 6);
  const restored = (version: number, now: number, renewal: Renewal) =>
    take('a renewal restores its holder', now, {
      kind: 'restore',
      term: story.read(termKey(group, version)) ?? {},
      renewal,
    });
  story.damage('holder');
  await restored(8, again + 7, { leaseMs, address: 'host:5' });
  await restored(2, again + 8, { leaseMs });
  story.damage('holder');
  await restored(8, again + 9, { leaseMs });
  return { group, table, leaseMs, maxClockSkewMs, cases: story.cases };
}
