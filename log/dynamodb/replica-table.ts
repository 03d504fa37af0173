/**
 * The binding of a replica to its DynamoDB table. A decision of the acceptor's rules that was taken on a read is
 * conditioned on the record's revision and on the slots as they were read. The hot paths, `stage` and `accept`, try the
 * rule as a condition at once and fall back to that.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { allOf, between, equals } from '../../store/condition.ts';
import type { Item, Key } from '../../store/item.ts';
import { winnerAt } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import type { Decision, MetaChange } from '../protocol/acceptor.ts';
import * as acceptor from '../protocol/acceptor.ts';
import { StaleConfigurationError, ThrottledError } from '../protocol/quorum.ts';
import * as replica from '../protocol/replica.ts';
import { reach } from './reach.ts';
import type { Epoch } from './replica-epoch.ts';
import { logKey, metaKey, type StoredMeta, slotKey, slotSortKey, toAction, toMeta } from './replica-item.ts';
import * as writes from './replica-writes.ts';

/** Slots that one query asks for at the most; its page ends with 1 MiB of them. */
const mostAtOnce = 1_000;

/** Tries of one request against others that change the replica at the same time. */
const tries = 12;

export interface ReplicaTableProps {
  readonly id: string;
  readonly client: DynamoDBDocumentClient;
  readonly table: string;
  /** Of the table; shared by all its logs. */
  readonly epoch: Epoch;
  readonly group: string;
  readonly log: string;
  /** Of the log, in epoch ms. */
  readonly createdAt: number;
  /** The version of the log's configuration that the caller follows. */
  readonly configuration: number;
}

/** One replica of one log. Throws `ThrottledError` and `UnreachableError`, see `reach`. */
export function replicaTable(props: ReplicaTableProps): replica.Replica {
  return reachable(new ReplicaTable(props));
}

type Rule<Answer> = (meta: replica.Meta, slots: ReadonlyMap<number, replica.Action>) => Decision<Answer>;

interface Basis {
  /** The first positions of the slots that the rule looks at. */
  readonly slots?: readonly number[];
  /** The record as a refused write returned it: the first try needs no read. */
  readonly seen?: StoredMeta | undefined;
  /** Whether a newer configuration is none of the caller's business. */
  readonly anyConfiguration?: boolean;
}

class ReplicaTable implements replica.Replica {
  readonly id: string;
  readonly #items: ItemTable;
  readonly #props: ReplicaTableProps;
  readonly #pk: string;
  readonly #place: writes.Place;

  constructor(props: ReplicaTableProps) {
    this.id = props.id;
    this.#props = props;
    this.#items = new ItemTable(props.client, props.table);
    this.#pk = logKey(props.group, props.log, props.createdAt);
    this.#place = { id: this.id, pk: this.#pk };
  }

  async read(): Promise<replica.Meta> {
    return (await this.#readCurrent())?.meta ?? replica.nothingThere;
  }

  promise(request: replica.PromiseRequest): Promise<replica.PromiseAnswer> {
    return this.#decide((meta) => acceptor.promise(meta, request));
  }

  promiseAt(request: replica.PositionPromiseRequest): Promise<replica.PositionPromiseAnswer> {
    const { position } = request;
    return this.#decide((meta, slots) => acceptor.promiseAt(meta, slots.get(position), request), { slots: [position] });
  }

  async write(request: replica.WriteRequest): Promise<replica.WriteAnswer> {
    const { position } = request;
    if (request.fresh && (await this.#writeAtOnce(request))) return { verdict: 'ACCEPT' };
    return this.#decide((meta, slots) => acceptor.write(meta, slots.get(position), request), { slots: [position] });
  }

  /** Value and acceptance in one transaction, by the conditions of both. */
  async #writeAtOnce({ value, ...request }: replica.WriteRequest): Promise<boolean> {
    const { configuration, epoch } = this.#props;
    const last = request.position + replica.lengthOf(value) - 1;
    const written = await this.#items.write([
      writes.stageSlot(this.#place, { ...request, value }),
      writes.acceptSlot(this.#place, { ...request, last }, { epoch: await epoch.current(), configuration }),
    ]);
    return written.kind === 'written';
  }

  async stage(request: replica.StageRequest): Promise<replica.StageAnswer> {
    const written = await this.#items.write([writes.stageSlot(this.#place, request)], { once: true });
    if (written.kind === 'written') return { staged: true };
    const there = winnerAt(written.refusals, 0);
    const { answer, action } = acceptor.stage(there && toAction(there), request);
    return { staged: answer.staged && !action };
  }

  async accept(request: replica.AcceptRequest): Promise<replica.WriteAnswer> {
    const { configuration, epoch } = this.#props;
    const write = writes.acceptSlot(this.#place, request, { epoch: await epoch.current(), configuration });
    const written = await this.#items.write([write], { once: true });
    if (written.kind === 'written') return { verdict: 'ACCEPT' };
    const seen = await this.#inForce(toMeta(winnerAt(written.refusals, 0)));
    return this.#decide((meta) => acceptor.accept(meta, request), { seen });
  }

  learn(actions: readonly replica.LearnedAction[]): Promise<replica.LearnAnswer> {
    const slots = actions.map(({ position }) => position);
    return this.#decide((meta, existing) => acceptor.learn(meta, existing, actions), { slots, anyConfiguration: true });
  }

  async range(from: number, to: number, only?: 'learned'): Promise<replica.Range> {
    const consistent = only === undefined;
    const meta = (await this.#readCurrent(consistent))?.meta ?? replica.nothingThere;
    if (meta.incarnation === '') return { meta, actions: [], to };
    const { actions, to: last } = await this.#slots({ from, to, consistent });
    const [first] = actions;
    const before = first?.position === from ? undefined : await this.#slotBefore(from, meta.floor, consistent);
    const all = before ? [before, ...actions] : actions;
    return { meta, to: last, actions: all.map((action) => acceptor.show(meta, action)) };
  }

  async create({ incarnation, view }: { incarnation: string; view: string }): Promise<replica.Meta> {
    const { configuration } = this.#props;
    const epoch = await this.#props.epoch.fresh();
    const meta = { ...replica.nothingThere, incarnation, view, epoch, configuration };
    await this.#items.write([writes.createMeta(this.#place, meta)]);
    return this.read();
  }

  transition(expected: replica.Expected, change: replica.Change): Promise<replica.MetaOutcome> {
    return this.#move((meta) => acceptor.transition(meta, expected, change));
  }

  empty(request: replica.EmptyRequest): Promise<replica.MetaOutcome> {
    return this.#move((meta) => acceptor.empty(meta, request));
  }

  replaceView(view: string): Promise<replica.MetaOutcome> {
    return this.#move((meta) => acceptor.replaceView(meta, view));
  }

  lock(request: replica.LockRequest): Promise<replica.MetaOutcome> {
    return this.#move((meta) => acceptor.lock(meta, request));
  }

  unlock(lockId: string): Promise<replica.MetaOutcome> {
    return this.#move((meta) => acceptor.unlock(meta, lockId), true);
  }

  async discard(limit: number): Promise<{ discarded: number; more: boolean }> {
    const { floor } = (await this.#readStored())?.meta ?? replica.nothingThere;
    if (floor === 0) return { discarded: 0, more: false };
    const where = allOf(equals('pk', this.#pk), between('sk', slotSortKey(0), slotSortKey(floor - 1)));
    const { items, last } = await this.#items.query({ where, consistent: true, limit: limit + 1 });
    const keys = items.slice(0, limit).map(({ pk, sk }) => ({ pk, sk }) as Key);
    for (let at = 0; at < keys.length; at += 25) await this.#delete(keys.slice(at, at + 25));
    // A page ends after 1 MiB of whole slots, however few keys those are.
    return { discarded: keys.length, more: items.length > limit || last !== undefined };
  }

  /** The record, if it is of this table. */
  async #inForce(stored: StoredMeta | undefined): Promise<StoredMeta | undefined> {
    if (!stored) return undefined;
    return { ...stored, meta: acceptor.inForce(stored.meta, await this.#props.epoch.current(stored.meta.epoch)) };
  }

  async #readStored(consistent = true): Promise<StoredMeta | undefined> {
    return this.#inForce(toMeta(await this.#items.get(metaKey(this.#pk), { consistent })));
  }

  async #readCurrent(consistent = true): Promise<StoredMeta | undefined> {
    return this.#refuseStale(await this.#readStored(consistent));
  }

  #refuseStale(stored: StoredMeta | undefined): StoredMeta | undefined {
    if (stored && acceptor.isStale(stored.meta, this.#props.configuration)) {
      throw new StaleConfigurationError(stored.meta.configuration);
    }
    return stored;
  }

  /** Ends with the slot that brings it to `rangeBytes`, however small those slots lie in the table. */
  async #slots({ from, to, consistent }: { from: number; to: number; consistent: boolean }) {
    const where = allOf(equals('pk', this.#pk), between('sk', slotSortKey(from), slotSortKey(to)));
    const actions: replica.Action[] = [];
    const upTo = () => Math.max(from, actions.at(-1)?.position ?? to);
    let after: Item | undefined;
    let bytes = 0;
    do {
      const page = await this.#items.query({ where, consistent, limit: Math.min(mostAtOnce, to - from + 1), after });
      for (const [at, item] of page.items.entries()) {
        const action = toAction(item);
        actions.push(action);
        bytes += replica.dataBytes(action);
        const isLast = page.last === undefined && at === page.items.length - 1;
        if (bytes >= replica.rangeBytes && !isLast) return { actions, to: upTo() };
      }
      after = page.last;
    } while (after);
    return { actions, to };
  }

  async #slotBefore(position: number, floor: number, consistent: boolean): Promise<replica.Action | undefined> {
    if (position <= floor) return undefined;
    const where = allOf(equals('pk', this.#pk), between('sk', slotSortKey(floor), slotSortKey(position - 1)));
    const { items } = await this.#items.query({ where, consistent, descending: true, limit: 1 });
    return items[0] && toAction(items[0]);
  }

  async #slotsAt(positions: readonly number[]): Promise<ReadonlyMap<number, replica.Action>> {
    const sorted = positions.filter((position) => position >= 0).sort((one, other) => one - other);
    const [from, to] = [sorted[0], sorted.at(-1)];
    if (from === undefined || to === undefined) return new Map();
    const actions = from === to ? await this.#slotAt(from) : await this.#slotsBetween(from, to);
    return new Map(actions.map((action) => [action.position, action]));
  }

  async #slotAt(position: number): Promise<replica.Action[]> {
    const item = await this.#items.get(slotKey(this.#pk, position), { consistent: true });
    return item ? [toAction(item)] : [];
  }

  /** All of them: learning several slots asks what there is of them, which is little. */
  async #slotsBetween(from: number, to: number): Promise<replica.Action[]> {
    const actions: replica.Action[] = [];
    for (let next = from; next <= to; ) {
      const part = await this.#slots({ from: next, to, consistent: true });
      actions.push(...part.actions);
      next = part.to + 1;
    }
    return actions;
  }

  /** Reads, decides by the acceptor's rules and writes what was decided, until nothing came between. */
  async #decide<Answer>(rule: Rule<Answer>, { slots = [], seen, anyConfiguration }: Basis = {}): Promise<Answer> {
    for (let tried = 0; tried < tries; tried += 1) {
      if (tried > 1) await pause(Math.random() * 10 * tried);
      const read = (tried === 0 && seen) || (await this.#readStored());
      const stored = anyConfiguration ? read : this.#refuseStale(read);
      const existing = await this.#slotsAt(slots);
      const { answer, meta: change, actions = [] } = rule(stored?.meta ?? replica.nothingThere, existing);
      if (!stored || (!change && actions.length === 0)) return answer;
      const stores = actions.map((after) => ({ before: existing.get(after.position), after }));
      const changes = writes.changeReplica(this.#place, stored, this.#withConfiguration(change ?? {}, stored), stores);
      if ((await this.#items.write(changes)).kind === 'written') return answer;
    }
    throw new ThrottledError(`Replica "${this.id}" changed ${tries} times during one request`);
  }

  /** The same for a change of the record alone; the answer is read from that very update. */
  async #move(
    rule: (meta: replica.Meta) => MetaChange | undefined,
    anyConfiguration = false,
  ): Promise<replica.MetaOutcome> {
    for (let tried = 0; tried < tries; tried += 1) {
      const stored = await (anyConfiguration ? this.#readStored() : this.#readCurrent());
      const change = stored && rule(stored.meta);
      if (!stored || !change) return { changed: false, meta: stored?.meta ?? replica.nothingThere };
      const changes = writes.changeReplica(this.#place, stored, this.#withConfiguration(change, stored));
      const written = await this.#items.write(changes, { show: 'after' });
      const meta = written.kind === 'written' ? toMeta(written.shown)?.meta : undefined;
      if (meta) return { changed: true, meta };
    }
    throw new ThrottledError(`Replica "${this.id}" changed ${tries} times during one request`);
  }

  /** Learning or unlocking with an older configuration does not restore that configuration. */
  #withConfiguration(change: MetaChange, { meta }: StoredMeta): MetaChange {
    return acceptor.withConfiguration(change, Math.max(this.#props.configuration, meta.configuration));
  }

  async #delete(keys: readonly Key[]): Promise<void> {
    const { client, table } = this.#props;
    let requests = keys.map((Key) => ({ DeleteRequest: { Key } }));
    while (requests.length > 0) {
      const { UnprocessedItems } = await client.send(new BatchWriteCommand({ RequestItems: { [table]: requests } }));
      requests = (UnprocessedItems?.[table] ?? []) as typeof requests;
    }
  }
}

/** Requests that the SDK does not send again by itself: it matters whether one of their tries had an effect. */
const sentOnce = new Set(['stage', 'accept']);

function reachable(table: ReplicaTable): replica.Replica {
  const names = Object.getOwnPropertyNames(ReplicaTable.prototype).filter((name) => name !== 'constructor');
  const guarded = names.map((name) => {
    const method = Reflect.get(table, name) as (...args: unknown[]) => Promise<unknown>;
    const store = { name: `Replica "${table.id}"`, mayBeDenied: true, once: sentOnce.has(name) };
    return [name, (...args: unknown[]) => reach(store, () => method.apply(table, args))];
  });
  return { id: table.id, ...Object.fromEntries(guarded) };
}
