/** The DynamoDB requests of the orphan collector. */
import { type DynamoDBDocumentClient, paginateQuery } from '@aws-sdk/lib-dynamodb';
import { groupsIndex, indexQuery } from '../../../leadership/keys.ts';
import { ItemTable } from '../../../store/item-table.ts';
import { remove, set } from '../../../store/update.ts';
import { update } from '../../../store/write.ts';
import type { JobName, JobRecord } from '../job.ts';
import { toJob } from '../job-item.ts';
import { jobKey } from '../keys.ts';
import type { CollectorStore } from './collector.ts';

const placeKey = (group: string | undefined) => ({
  pk: 'COLLECTOR',
  sk: group === undefined ? 'PROGRESS' : `PLACE#${group}`,
});

/** The port, bound to the main table. */
export class CollectorTable implements CollectorStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #items: ItemTable;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
    this.#items = new ItemTable(client, table);
  }

  async *groups(): AsyncGenerator<string> {
    const query = indexQuery(this.#table, groupsIndex.partition);
    for await (const { Items = [] } of paginateQuery({ client: this.#client }, query)) {
      for (const item of Items) yield String(item[groupsIndex.sortKey]);
    }
  }

  async readJobs(names: readonly JobName[]): Promise<JobRecord[]> {
    const keys = names.map(({ group, jobId }) => jobKey(group, jobId));
    const items = await this.#items.getAll(keys, { consistent: true });
    return items.flatMap((item) => toJob(item) ?? []);
  }

  async readPlace(group?: string): Promise<string | undefined> {
    return (await this.#items.get(placeKey(group)))?.['after'] as string | undefined;
  }

  async writePlace(after: string | undefined, group?: string): Promise<void> {
    const change = after === undefined ? remove('after') : set('after', after);
    await this.#items.write([update(placeKey(group), change)]);
  }
}
