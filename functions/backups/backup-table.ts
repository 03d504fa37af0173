/** The backup port over the items of the main table: each step is the write of `backup-writes.ts`. */
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { groupKey, groupsIndex } from '../../leadership/keys.ts';
import { allOf, beginsWith, equals, exists } from '../../store/condition.ts';
import { Placeholders, renderCondition } from '../../store/expression.ts';
import { keyOf, refuseReusedKey } from '../../store/idempotency.ts';
import type { Item } from '../../store/item.ts';
import type { ItemStore } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import { retryConflicts } from '../../store/retry-conflicts.ts';
import type { Write } from '../../store/write.ts';
import type { BackupRecord } from './backup.ts';
import type { BackupName, BackupStore, Begun, NamePage, Removed, Stored } from './backup-store.ts';
import * as writes from './backup-writes.ts';
import { checkChange } from './invariants.ts';
import {
  backupKey,
  backupPrefix,
  cleanUpKey,
  cleanUpPartition,
  cleanUpPrefix,
  removedKey,
  requestKey,
  runningKey,
  runningPartition,
} from './keys.ts';

const mostTries = 10;
const namesPerPage = 100;

/** Binds the backup port to the main table. */
export const backupTable = (client: DynamoDBDocumentClient, table: string): BackupStore =>
  new BackupTable(client, table);

class BackupTable implements BackupStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #items: ItemStore;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
    this.#items = new ItemTable(client, table);
  }

  begin(record: BackupRecord): Promise<Begun> {
    const { group, requestId } = record;
    checkChange({ kind: 'begin', next: record });
    return retryConflicts<Begun>({ tries: mostTries, of: `group "${group}"` }, async () => {
      if (await this.#write(writes.beginBackup(record))) {
        return { kind: 'done', value: { kind: 'begun', stored: { record, revision: 1 } } };
      }
      const earlier = await this.begunBy(group, requestId);
      if (earlier !== undefined) return { kind: 'done', value: { kind: 'earlier', backupId: earlier } };
      const running = await this.readRunning(group);
      if (running !== undefined) return { kind: 'done', value: { kind: 'running', backupId: running } };
      return { kind: 'conflict' };
    });
  }

  async read(group: string, backupId: string): Promise<Stored | undefined> {
    const item = await this.#get(backupKey(group, backupId));
    return item && toStored(item);
  }

  replace(seen: Stored, next: BackupRecord): Promise<boolean> {
    checkChange({ kind: 'replace', seen: seen.record, next });
    return this.#write(writes.replaceRecord(seen, next));
  }

  settle(seen: Stored, final: BackupRecord): Promise<boolean> {
    checkChange({ kind: 'settle', seen: seen.record, next: final });
    return this.#write(writes.settleBackup(seen, final));
  }

  remove(seen: Stored, now: number, requestId: string): Promise<boolean> {
    checkChange({ kind: 'remove', seen: seen.record });
    return this.#write(writes.removeBackup(seen, now, requestId));
  }

  async readRemoved(group: string, backupId: string): Promise<Removed | undefined> {
    const item = await this.#get(removedKey(group, backupId));
    return item && { removedAt: Number(item['removedAt']), requestId: String(item['requestId']) };
  }

  async removedTarget({ group, backupId }: BackupName): Promise<string | undefined> {
    const item = await this.#get(cleanUpKey(group, backupId));
    return item?.['target'] as string | undefined;
  }

  async begunBy(group: string, requestId: string): Promise<string | undefined> {
    const item = await this.#get(requestKey(group, keyOf(requestId)));
    const remembered = item?.['requestId'] as string | undefined;
    refuseReusedKey(remembered, requestId, `POST /v1/groups/${group}/backups`);
    return item && String(item['backupId']);
  }

  async readRunning(group: string): Promise<string | undefined> {
    const item = await this.#get(runningKey(group));
    return item?.['backupId'] as string | undefined;
  }

  async count(group: string, most: number): Promise<number> {
    let counted = 0;
    let after: Item | undefined;
    do {
      const { Count = 0, LastEvaluatedKey } = await this.#client.send(this.#countQuery(group, after));
      counted += Count;
      after = LastEvaluatedKey;
    } while (after !== undefined && counted < most);
    return counted;
  }

  /** Only DynamoDB can count without sending what it counts. */
  #countQuery(group: string, after: Item | undefined): QueryCommand {
    const placeholders = new Placeholders();
    return new QueryCommand({
      TableName: this.#table,
      KeyConditionExpression: renderCondition(ofGroup(group), placeholders),
      FilterExpression: renderCondition(exists('record'), placeholders),
      ...placeholders.attributes(),
      Select: 'COUNT',
      ...(after && { ExclusiveStartKey: after }),
    });
  }

  async list(group: string, after: string | undefined, limit: number) {
    const page = await this.#items.query({
      where: ofGroup(group),
      descending: true,
      consistent: true,
      limit,
      ...(after === undefined ? {} : { after: { pk: groupKey(group), sk: after } }),
    });
    return {
      items: page.items.flatMap((item) => {
        const stored = toStored(item);
        return stored ? [{ ...stored, group, backupId: String(item['sk']).slice(backupPrefix.length) }] : [];
      }),
      last: page.last?.['sk'] as string | undefined,
    };
  }

  async listRunning(after: string | undefined): Promise<NamePage> {
    const { items, last } = await this.#listNames(runningPartition, after);
    const found = await Promise.all(
      items.map(async ({ group }) => ({ group, backupId: await this.readRunning(group) })),
    );
    return {
      items: found.flatMap(({ group, backupId }) => (backupId === undefined ? [] : { group, backupId })),
      last,
    };
  }

  async listCleanUps(after: string | undefined): Promise<NamePage> {
    const { items, last } = await this.#listNames(cleanUpPartition, after);
    return { items: items.map(({ group, sk }) => ({ group, backupId: sk.slice(cleanUpPrefix.length) })), last };
  }

  async cleanedUp(name: BackupName, seen: 'there' | 'removed', now: number): Promise<void> {
    await this.#write(writes.endCleanUp(name, seen, now));
  }

  async #listNames(partition: string, after: string | undefined) {
    const page = await this.#items.query({
      where: equals(groupsIndex.partitionKey, partition),
      index: { name: groupsIndex.name, sortKey: groupsIndex.sortKey },
      limit: namesPerPage,
      ...(after === undefined ? {} : { after: JSON.parse(after) as Item }),
    });
    const items = page.items.map((item) => ({ group: String(item[groupsIndex.sortKey]), sk: String(item['sk']) }));
    return { items, last: page.last && JSON.stringify(page.last) };
  }

  /** False when a condition did not hold. */
  async #write(all: readonly [Write, ...Write[]]): Promise<boolean> {
    return (await this.#items.write(all)).kind === 'written';
  }

  #get(key: { pk: string; sk: string }): Promise<Item | undefined> {
    return this.#items.get(key, { consistent: true });
  }
}

const ofGroup = (group: string) => allOf(equals('pk', groupKey(group)), beginsWith('sk', backupPrefix));

/** Undefined for what was removed and waits for its time to live. */
function toStored({ record, revision }: Item): Stored | undefined {
  return record === undefined ? undefined : { record: record as BackupRecord, revision: revision as number };
}
