/**
 * Held deletes over the items of the main table. Nothing here deletes an item: no function may; what is done gets a
 * time to live.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { groupKey } from '../../../leadership/keys.ts';
import {
  absent,
  allOf,
  anyOf,
  beginsWith,
  type Condition,
  equals,
  exists,
  isType,
  not,
} from '../../../store/condition.ts';
import type { Item } from '../../../store/item.ts';
import { type ItemStore, winnerAt } from '../../../store/item-store.ts';
import { ItemTable } from '../../../store/item-table.ts';
import { remove, set } from '../../../store/update.ts';
import { put, update } from '../../../store/write.ts';
import type { JobName, JobRecord } from '../job.ts';
import { toJob } from '../job-item.ts';
import { jobKey, jobPrefix } from '../keys.ts';
import type { DeferredDelete, HeldDeletes, HeldPage } from './held-deletes.ts';

const holdKey = (group: string) => ({ pk: groupKey(group), sk: 'DELETES-HELD' });
const deferredPrefix = (backupId: string) => `DELETE#${backupId}#`;
const deferredKey = (group: string, backupId: string, { jobId, payloadId }: DeferredDelete) => ({
  pk: groupKey(group),
  sk: `${deferredPrefix(backupId)}${jobId}#${payloadId}`,
});

/** A deferred delete that nobody carries out goes; the orphan collector has long taken its payload then. */
const deferredSeconds = 30 * 24 * 3_600;
const pageSize = 500;

/** Binds the port to the main table. */
export const heldDeletesTable = (client: DynamoDBDocumentClient, table: string): HeldDeletes =>
  new HeldDeletesTable(new ItemTable(client, table));

class HeldDeletesTable implements HeldDeletes {
  readonly #items: ItemStore;

  constructor(items: ItemStore) {
    this.#items = items;
  }

  async hold(group: string, backupId: string): Promise<boolean> {
    const isFree = anyOf(absent('backupId'), equals('backupId', backupId));
    const written = await this.#items.write([update(holdKey(group), set('backupId', backupId), isFree)]);
    return written.kind === 'written';
  }

  async heldBy(group: string): Promise<string | undefined> {
    const item = await this.#items.get(holdKey(group), { consistent: true });
    return item?.['backupId'] as string | undefined;
  }

  async holdJob({ group, jobId }: JobName, backupId: string): Promise<JobRecord | undefined> {
    // A value that is not a string was not written by Tenure.
    const isFree = anyOf(equals('heldBy', backupId), not(isType('heldBy', 'S')));
    const mark = update(jobKey(group, jobId), set('heldBy', backupId), allOf(exists('pk'), isFree));
    const written = await this.#items.write([mark], { show: 'after' });
    return toJob(written.kind === 'written' ? written.shown : winnerAt(written.refusals, 0));
  }

  defer(group: string, backupId: string, deletes: readonly DeferredDelete[], now: number): Promise<void> {
    return this.#note(group, backupId, deletes, { ttl: Math.floor(now / 1_000) + deferredSeconds });
  }

  async listHeldJobs(group: string, backupId: string, after: string | undefined): Promise<HeldPage<string>> {
    const { items, last } = await this.#list(group, jobPrefix, after, equals('heldBy', backupId));
    return { items: items.map((item) => String(item['sk']).slice(jobPrefix.length)), last };
  }

  async releaseJob({ group, jobId }: JobName, backupId: string): Promise<void> {
    // With it a state lock that its cut has left behind.
    const letGo = remove('heldBy', 'stateLock');
    await this.#items.write([update(jobKey(group, jobId), letGo, equals('heldBy', backupId))]);
  }

  async listDeferred(group: string, backupId: string, after: string | undefined): Promise<HeldPage<DeferredDelete>> {
    const { items, last } = await this.#list(group, deferredPrefix(backupId), after, absent('done'));
    return {
      items: items.map((item) => ({ jobId: String(item['jobId']), payloadId: String(item['payloadId']) })),
      last,
    };
  }

  markDone(group: string, backupId: string, deletes: readonly DeferredDelete[], now: number): Promise<void> {
    return this.#note(group, backupId, deletes, { done: true, ttl: Math.floor(now / 1_000) });
  }

  async release(group: string, backupId: string): Promise<void> {
    await this.#items.write([update(holdKey(group), remove('backupId'), equals('backupId', backupId))]);
  }

  /** One by one: a batch would need a permission that also deletes. */
  async #note(group: string, backupId: string, deletes: readonly DeferredDelete[], more: Item): Promise<void> {
    await mapConcurrent(deletes, 8, (one) =>
      this.#items.write([put(deferredKey(group, backupId, one), { ...one, ...more })]),
    );
  }

  async #list(group: string, prefix: string, after: string | undefined, filter: Condition) {
    const { items, last } = await this.#items.query({
      where: allOf(equals('pk', groupKey(group)), beginsWith('sk', prefix)),
      filter,
      consistent: true,
      limit: pageSize,
      ...(after === undefined ? {} : { after: { pk: groupKey(group), sk: after } }),
    });
    return { items, last: last?.['sk'] as string | undefined };
  }
}
