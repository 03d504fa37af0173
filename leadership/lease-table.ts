/**
 * The lease port over the items of the main table: each step is the write of `lease-writes.ts`, and the record that it
 * leaves or lost to.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Fence } from '../api/fence.ts';
import { allOf, beginsWith, equals } from '../store/condition.ts';
import type { Item } from '../store/item.ts';
import { type ItemStore, type WriteOptions, winnerAt } from '../store/item-store.ts';
import { ItemTable } from '../store/item-table.ts';
import { put, type Write } from '../store/write.ts';
import { checkWrites } from './invariants.ts';
import {
  addressesKey,
  floorKey,
  floorPrefix,
  groupKey,
  leadershipKey,
  recreationKey,
  termKey,
  termPrefix,
} from './keys.ts';
import type { LeadershipRecord } from './lease.ts';
import { toAddresses, toRecord, toTerm } from './lease-items.ts';
import type {
  Addresses,
  Grant,
  LeaseStore,
  LeaseWrite,
  Published,
  PublishedAddresses,
  Renewal,
  Resignation,
  Revocation,
  Term,
} from './lease-store.ts';
import * as writes from './lease-writes.ts';

/** Binds the lease port to the main table. */
export const leaseTable = (client: DynamoDBDocumentClient, table: string): LeaseStore =>
  new LeaseTable(new ItemTable(client, table));

export class LeaseTable implements LeaseStore {
  readonly #items: ItemStore;

  constructor(items: ItemStore) {
    this.#items = items;
  }

  async read(group: string, consistent: boolean): Promise<LeadershipRecord | undefined> {
    return toRecord(await this.#items.get(leadershipKey(group), { consistent }));
  }

  async readTerm(group: string, fencingVersion: number): Promise<Term | undefined> {
    return toTerm(await this.#items.get(termKey(group, fencingVersion), { consistent: true }));
  }

  async lastRecreation(group: string): Promise<number> {
    const item = await this.#items.get(recreationKey(group), { consistent: true });
    return Number(item?.['fencingVersion'] ?? 0);
  }

  async highestVersion(group: string): Promise<number> {
    return Math.max(...(await Promise.all([this.#newest(group, termPrefix), this.#newest(group, floorPrefix)])));
  }

  async #newest(group: string, prefix: string): Promise<number> {
    const where = allOf(equals('pk', groupKey(group)), beginsWith('sk', prefix));
    const { items } = await this.#items.query({ where, descending: true, consistent: true, limit: 1 });
    return Number(String(items[0]?.['sk'] ?? `${prefix}0`).slice(prefix.length));
  }

  async writeFloor(group: string, fencingVersion: number): Promise<void> {
    await this.#items.write([put(floorKey(group, fencingVersion), {})]);
  }

  grant(group: string, grant: Grant, now: number, maxClockSkewMs: number): Promise<LeaseWrite> {
    return this.#update(writes.grantLease(group, grant, now, maxClockSkewMs));
  }

  create(group: string, version: number, grant: Grant, now: number, seenRecreation?: number): Promise<LeaseWrite> {
    return this.#transact(writes.createRecord(group, version, grant, now, seenRecreation));
  }

  confirm(seen: LeadershipRecord, fence: Fence, published: Published, now: number): Promise<LeaseWrite> {
    return this.#transact(writes.confirmTerm(seen, fence, published, now), { once: true });
  }

  renew(group: string, fence: Fence, renewal: Renewal, now: number): Promise<LeaseWrite> {
    return this.#update(writes.renewLease(group, fence, renewal, now), { once: true });
  }

  restoreHolder(group: string, term: Term, published: Renewal, now: number): Promise<LeaseWrite> {
    return this.#update(writes.restoreHolder(group, term, published, now), { once: true });
  }

  resign(group: string, fence: Fence, resignation: Resignation, requestId: string, now: number): Promise<LeaseWrite> {
    return this.#update(writes.resignTerm(group, fence, resignation, requestId, now));
  }

  askHandOver(group: string, fencingVersion: number, successor: string | undefined): Promise<LeaseWrite> {
    return this.#update(writes.askHandOver(group, fencingVersion, successor));
  }

  revoke(group: string, revocation: Revocation, requestId: string, now: number): Promise<LeaseWrite> {
    return this.#update(writes.revokeTerm(group, revocation, requestId, now));
  }

  async readAddresses(group: string, consistent: boolean): Promise<PublishedAddresses | undefined> {
    return toAddresses(await this.#items.get(addressesKey(group), { consistent }));
  }

  async writeAddresses(
    group: string,
    fence: Fence,
    seen: number | undefined,
    addresses: Addresses,
    now: number,
  ): Promise<'won' | 'lost'> {
    const both = writes.writeAddresses(group, fence, seen, addresses, now);
    checkWrites(both);
    return (await this.#items.write(both, { once: true })).kind === 'written' ? 'won' : 'lost';
  }

  async #update(write: Write, options: WriteOptions = {}): Promise<LeaseWrite> {
    checkWrites([write]);
    const written = await this.#items.write([write], { ...options, show: 'after' });
    if (written.kind === 'refused') return lost(winnerAt(written.refusals, 0));
    const won = toRecord(written.shown);
    if (!won) throw new Error('A leadership write succeeded and left a record that cannot be read');
    return { kind: 'won', won };
  }

  async #transact({ writes, record }: writes.Transaction, options: WriteOptions = {}): Promise<LeaseWrite> {
    checkWrites(writes);
    const written = await this.#items.write(writes, options);
    return written.kind === 'written' ? { kind: 'won', won: record } : lost(winnerAt(written.refusals, 0));
  }
}

const lost = (winner: Item | undefined): LeaseWrite => ({ kind: 'lost', lost: toRecord(winner) });
