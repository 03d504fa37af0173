/** The restore port over the items of the main table: each step is the write of `restore-writes.ts`. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import { groupKey, groupsIndex } from '../../leadership/keys.ts';
import { allOf, beginsWith, equals } from '../../store/condition.ts';
import type { Item } from '../../store/item.ts';
import type { ItemStore, Query } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import type { Write } from '../../store/write.ts';
import { restoreKey, restorePrefix } from '../backups/keys.ts';
import type { Job } from '../jobs/job.ts';
import { toJob } from '../jobs/job-item.ts';
import { jobPrefix } from '../jobs/keys.ts';
import { checkChange } from './invariants.ts';
import type { RestoreRecord, RestoreStore, StoredRestore } from './restore-store.ts';
import * as writes from './restore-writes.ts';

const pageSize = 100;

/** Binds the restore port to the main table. */
export const restoreTable = (client: DynamoDBDocumentClient, table: string): RestoreStore =>
  new RestoreTable(new ItemTable(client, table));

class RestoreTable implements RestoreStore {
  readonly #items: ItemStore;

  constructor(items: ItemStore) {
    this.#items = items;
  }

  begin(record: RestoreRecord): Promise<boolean> {
    checkChange({ kind: 'begin', next: record });
    return this.#write(writes.beginRestore(record));
  }

  async read(group: string, restoreId: string): Promise<StoredRestore | undefined> {
    const item = await this.#items.get(restoreKey(group, restoreId), { consistent: true });
    if (item?.['record'] === undefined) return undefined;
    return { record: JSON.parse(String(item['record'])) as RestoreRecord, revision: Number(item['revision']) };
  }

  replace(seen: StoredRestore, next: RestoreRecord): Promise<StoredRestore | undefined> {
    checkChange({ kind: 'replace', seen: seen.record, next });
    return this.#replace(seen, next);
  }

  async #replace(seen: StoredRestore, next: RestoreRecord): Promise<StoredRestore | undefined> {
    const isWritten = await this.#write(writes.replaceRecord(seen, next));
    return isWritten ? { record: next, revision: seen.revision + 1 } : undefined;
  }

  async end(seen: StoredRestore, last: RestoreRecord): Promise<StoredRestore | undefined> {
    checkChange({ kind: 'end', seen: seen.record, next: last });
    const written = await this.#items.write(writes.endRestore(seen, last));
    if (written.kind === 'written') return { record: last, revision: seen.revision + 1 };
    // It owns nothing; its own record is as it was seen.
    return written.refusals.some(({ at }) => at === 0) ? undefined : this.#replace(seen, last);
  }

  async listOpen(): Promise<{ group: string; restoreId: string }[]> {
    const items = await this.#all({
      where: equals(groupsIndex.partitionKey, writes.restoringPartition),
      index: { name: groupsIndex.name, sortKey: groupsIndex.sortKey },
      limit: pageSize,
    });
    return items.map((item) => ({
      group: String(item[groupsIndex.sortKey]),
      restoreId: String(item['sk']).slice(restorePrefix.length),
    }));
  }

  async hasJobs(group: string): Promise<boolean> {
    return (await this.#jobsOf(group, 1)).length > 0;
  }

  listJobs(group: string): Promise<string[]> {
    return this.#jobsOf(group, pageSize);
  }

  async removeJobs(group: string, jobIds: readonly string[], now: number): Promise<void> {
    await mapConcurrent(jobIds, 16, (jobId) => this.#write(writes.removeJob({ group, jobId }, now)));
  }

  own(group: string, restoreId: string, version: number, over: StoredRestore | undefined): Promise<boolean> {
    checkChange({ kind: 'own', group, restoreId, version, over: over?.record });
    return this.#write(writes.ownGroup(group, restoreId, version, over));
  }

  async putJob(job: Job, ttl: number | undefined): Promise<void> {
    await this.#write(writes.putJob(job, ttl));
  }

  async #jobsOf(group: string, most: number): Promise<string[]> {
    const where = allOf(equals('pk', groupKey(group)), beginsWith('sk', jobPrefix));
    const items = await this.#all(
      { where, consistent: true, limit: pageSize },
      (item) => toJob(item) !== undefined,
      most,
    );
    return items.flatMap((item) => toJob(item)?.jobId ?? []);
  }

  /** The items of all pages that are wanted, up to so many. */
  async #all(
    query: Query,
    isWanted: (item: Item) => boolean = () => true,
    most = Number.POSITIVE_INFINITY,
  ): Promise<Item[]> {
    const found: Item[] = [];
    let after: Item | undefined;
    do {
      const page = await this.#items.query({ ...query, after });
      found.push(...page.items.filter(isWanted));
      after = page.last;
    } while (after !== undefined && found.length < most);
    return found.slice(0, most);
  }

  /** False when a condition did not hold. */
  async #write(all: readonly [Write, ...Write[]]): Promise<boolean> {
    return (await this.#items.write(all)).kind === 'written';
  }
}
