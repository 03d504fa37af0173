/** The DynamoDB requests of the registry of logs. */
import { isDeepStrictEqual } from 'node:util';
import { type DynamoDBDocumentClient, paginateQuery } from '@aws-sdk/lib-dynamodb';
import { groupKey, groupsIndex, indexQuery, listedIn } from '../../leadership/keys.ts';
import { absent, allOf, anyOf, beginsWith, compare, equals, exists, value } from '../../store/condition.ts';
import type { Item, Key } from '../../store/item.ts';
import { winnerAt } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import { attributeOf, plus, remove, set, setAll } from '../../store/update.ts';
import { put, update, type Write } from '../../store/write.ts';
import type { Configuration } from '../protocol/configuration.ts';
import type { LogRegistry, RegisteredLog } from '../protocol/registry.ts';
import type { Hold } from '../protocol/sequencer.ts';
import { logPrefix, logsPartition, registryKey, sequencerKey } from './keys.ts';

/** Queries of one listing. */
const mostPages = 20;

/** The registry, bound to the main table. */
export class LogRegistryTable implements LogRegistry {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #items: ItemTable;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
    this.#items = new ItemTable(client, table);
  }

  async read(group: string, log: string): Promise<RegisteredLog | undefined> {
    return toLog(await this.#get(registryKey(group, log)));
  }

  async create(created: RegisteredLog): Promise<{ created: boolean; log: RegisteredLog }> {
    const { group, log, createdAt } = created;
    const { kind } = await this.#items.write(createLog(created));
    const there = await this.read(group, log);
    if (!there) throw new Error(`The log "${log}" of "${group}" was neither created nor there`);
    return { created: kind === 'written' || there.createdAt === createdAt, log: there };
  }

  async configure(group: string, log: string, from: Configuration, to: Configuration): Promise<boolean> {
    const isStill = compare('configuration', '=', value(from));
    const record = update(registryKey(group, log), set('configuration', to), isStill);
    const { kind } = await this.#items.write([
      record,
      ...(await this.#closeWriter(group, log, from.version, to.version)),
    ]);
    if (kind === 'written') return true;
    return isDeepStrictEqual((await this.read(group, log))?.configuration, to);
  }

  async forget(group: string, log: string, now: number): Promise<void> {
    const ttl = Math.floor(now / 1_000);
    for (const key of [registryKey(group, log), sequencerKey(group, log)]) await this.#items.write([put(key, { ttl })]);
  }

  async list(group: string, after: string | undefined, limit: number) {
    const items: RegisteredLog[] = [];
    let last = after;
    // The records of logs that are gone are passed over until their time to live takes them.
    for (let page = 0; page < mostPages && items.length < limit; page += 1) {
      const found = await this.#items.query({
        where: allOf(equals('pk', groupKey(group)), beginsWith('sk', logPrefix)),
        ...(last === undefined ? {} : { after: registryKey(group, last) }),
        consistent: true,
        limit: limit - items.length,
      });
      items.push(...found.items.flatMap((item) => toLog(item) ?? []));
      if (!found.last) return { items };
      last = nameIn(found.last);
    }
    return last === undefined ? { items } : { items, last };
  }

  async *listAll(): AsyncGenerator<{ group: string; log: string }> {
    for await (const { Items = [] } of paginateQuery(
      { client: this.#client },
      indexQuery(this.#table, logsPartition),
    )) {
      for (const item of Items) yield { group: String(item[groupsIndex.sortKey]), log: nameIn(item) };
    }
  }

  async hold(group: string, log: string, hold: Hold): Promise<Hold> {
    const isFree = anyOf(absent('hold'), equals('hold.backupId', hold.backupId));
    const write = update(sequencerKey(group, log), set('hold', hold), allOf(exists('configuration'), isFree));
    const written = await this.#items.write([write]);
    const inForce = written.kind === 'written' ? hold : winnerAt(written.refusals, 0)?.['hold'];
    if (!inForce) throw new Error(`The log "${log}" of "${group}" is not there to be held`);
    return inForce as Hold;
  }

  async readHold(group: string, log: string): Promise<Hold | undefined> {
    return (await this.#get(sequencerKey(group, log)))?.['hold'] as Hold | undefined;
  }

  async release(group: string, log: string, backupId: string): Promise<void> {
    await this.#items.write([update(sequencerKey(group, log), remove('hold'), equals('hold.backupId', backupId))]);
  }

  #get(key: Key): Promise<Item | undefined> {
    return this.#items.get(key, { consistent: true });
  }

  /** Has the sequencer follow the new version, without the writer that was elected by the old majorities. */
  async #closeWriter(group: string, log: string, from: number, to: number): Promise<Write[]> {
    if (from === to) return [];
    const key = sequencerKey(group, log);
    const hasWriter = (await this.#get(key))?.['revision'] !== undefined;
    const close = hasWriter ? [...set('closed', true), ...set('revision', plus(attributeOf('revision'), 1))] : [];
    const isStill = allOf(equals('configuration', from), hasWriter ? exists('revision') : absent('revision'));
    return [update(key, [...set('configuration', to), ...close], isStill)];
  }
}

function createLog({ group, log, autoInitialize, createdAt, configuration }: RegisteredLog): [Write, Write] {
  const record = { autoInitialize, createdAt, configuration, ...listedIn(logsPartition, group) };
  return [
    update(registryKey(group, log), [...setAll(record), ...remove('ttl')], absent('createdAt')),
    update(sequencerKey(group, log), [...set('configuration', configuration.version), ...remove('ttl')]),
  ];
}

function toLog(item: Item | undefined): RegisteredLog | undefined {
  if (item?.['createdAt'] === undefined) return undefined;
  const { group, autoInitialize, createdAt, configuration } = item;
  return { group, log: nameIn(item), autoInitialize, createdAt, configuration } as RegisteredLog;
}

const nameIn = (item: Item) => String(item['sk']).slice(logPrefix.length);
