/**
 * Workers and their mailboxes over the items of the main table. No function may delete an item here; what is over gets
 * a time to live.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../../../leadership/keys.ts';
import { absent, allOf, anyOf, beginsWith, type Condition, compare, equals, exists } from '../../../store/condition.ts';
import type { Item, Key } from '../../../store/item.ts';
import { type ItemStore, type Written, winnerAt } from '../../../store/item-store.ts';
import { ItemTable } from '../../../store/item-table.ts';
import { remove, set, type Update } from '../../../store/update.ts';
import { put, update } from '../../../store/write.ts';
import { commandKey, commandPrefix, workerKey, workerPrefix } from '../keys.ts';
import type { Worker } from './candidates.ts';
import type { CommandAnswer, Instance, Posted, Seen, WorkerStore } from './worker-store.ts';

const dayMs = 24 * 3_600_000;
/** A command that nobody polled within a day expires. */
const expiry = (at: number) => Math.floor((at + dayMs) / 1000);
const pageSize = 500;

/** The worker port, bound to the main table. */
export class WorkerTable implements WorkerStore {
  readonly #items: ItemStore;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#items = new ItemTable(client, table);
  }

  async register(group: string, worker: Worker): Promise<void> {
    await this.#items.write([put(workerKey(group, worker.worker), { worker, ttl: expiry(worker.lastSeenAt) })]);
  }

  async noteSeen(group: string, name: Instance, at: number, expectedAfterMs: number): Promise<Seen> {
    const changes = [
      ...set('worker.lastSeenAt', at),
      ...set('worker.expectedAfterMs', expectedAfterMs),
      ...set('ttl', expiry(at)),
    ];
    const written = await this.#update(workerKey(group, name.worker), changes, isInstance(name));
    if (written.kind === 'written') return 'registered';
    return winnerAt(written.refusals, 0)?.['worker'] === undefined ? 'unregistered' : 'replaced';
  }

  async hold(group: string, worker: string, now: number, until: number): Promise<boolean> {
    const isFree = anyOf(absent('heldUntil'), compare('heldUntil', '<=', now));
    const written = await this.#update(workerKey(group, worker), set('heldUntil', until), allOf(isRegistered, isFree));
    return written.kind === 'written';
  }

  async endHold(group: string, worker: string): Promise<void> {
    await this.#update(workerKey(group, worker), remove('heldUntil'), isRegistered);
  }

  async silent(group: string, worker: string, at: number): Promise<void> {
    await this.#update(workerKey(group, worker), set('worker.silentAt', at), isRegistered);
  }

  async remove(group: string, name: Instance, now: number): Promise<void> {
    const gone = [...set('ttl', Math.floor(now / 1000)), ...remove('worker', 'heldUntil')];
    await this.#update(workerKey(group, name.worker), gone, isInstance(name));
  }

  async find(group: string, worker: string): Promise<Worker | undefined> {
    const item = await this.#get(workerKey(group, worker));
    return item?.['worker'] as Worker | undefined;
  }

  async list(group: string): Promise<Worker[]> {
    const items = await this.#list(group, workerPrefix);
    return items.flatMap(({ worker }) => (worker as Worker | undefined) ?? []);
  }

  async post(group: string, worker: string, posted: Posted): Promise<void> {
    const key = commandKey(group, worker, posted.command.commandId);
    await this.#items.write([put(key, { posted, ttl: expiry(posted.expiresAt) })]);
  }

  async posted(group: string, worker: string, commandId: string): Promise<Posted | undefined> {
    const item = await this.#get(commandKey(group, worker, commandId));
    return item?.['posted'] as Posted | undefined;
  }

  async mailbox(group: string, worker: string): Promise<Posted[]> {
    const items = await this.#list(group, commandPrefix(worker));
    return items.flatMap(({ posted }) => (posted as Posted | undefined) ?? []);
  }

  async answer(group: string, worker: string, commandId: string, answer: CommandAnswer): Promise<Posted | undefined> {
    const isOpen = anyOf(absent('posted.answer'), equals('posted.answer.accepted', answer.accepted));
    const written = await this.#items.write(
      [update(commandKey(group, worker, commandId), set('posted.answer', answer), allOf(exists('posted'), isOpen))],
      { show: 'after' },
    );
    return written.kind === 'written' ? (written.shown?.['posted'] as Posted | undefined) : undefined;
  }

  async withdraw(group: string, worker: string, commandId: string, now: number): Promise<void> {
    const gone = [...set('ttl', Math.floor(now / 1000)), ...remove('posted')];
    await this.#update(commandKey(group, worker, commandId), gone, exists('posted'));
  }

  #update(key: Key, changes: Update, condition: Condition): Promise<Written> {
    return this.#items.write([update(key, changes, condition)]);
  }

  #get(key: Key): Promise<Item | undefined> {
    return this.#items.get(key, { consistent: true });
  }

  async #list(group: string, prefix: string): Promise<Item[]> {
    const where = allOf(equals('pk', groupKey(group)), beginsWith('sk', prefix));
    const found: Item[] = [];
    let after: Item | undefined;
    do {
      const page = await this.#items.query({ where, consistent: true, limit: pageSize, after });
      found.push(...page.items);
      after = page.last;
    } while (after !== undefined);
    return found;
  }
}

const isRegistered = exists('worker');

/** Holds for a registered worker, and only for the given instance where both sides name one. */
function isInstance({ instanceId }: Instance): Condition {
  if (instanceId === undefined) return isRegistered;
  return allOf(isRegistered, anyOf(absent('worker.instanceId'), equals('worker.instanceId', instanceId)));
}
