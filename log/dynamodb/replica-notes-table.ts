/** The DynamoDB requests of the notes about replicas, in the main table: its stream tells of them. */
import { type DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../../leadership/keys.ts';
import { conditional } from '../../store/conditional.ts';
import type { LogName } from '../registered-log.ts';
import type { NotedReplica, ReplicaNotes } from '../replica-watch.ts';
import { replicaIn, replicaKey, replicaKeyPrefix } from './keys.ts';

export const replicaNotesTable = (client: DynamoDBDocumentClient, table: string): ReplicaNotes =>
  new ReplicaNotesTable(client, table);

class ReplicaNotesTable implements ReplicaNotes {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async read({ group, log }: LogName): Promise<ReadonlyMap<string, NotedReplica>> {
    const { Items = [] } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': replicaKeyPrefix(log) },
        ConsistentRead: true,
      }),
    );
    return new Map(Items.map((item) => [replicaIn(String(item['sk'])).replica, item as unknown as NotedReplica]));
  }

  async write(
    { group, log }: LogName,
    replica: string,
    seen: NotedReplica | undefined,
    note: NotedReplica,
  ): Promise<void> {
    await conditional(() =>
      this.#client.send(
        new PutCommand({
          TableName: this.#table,
          Item: { ...replicaKey(group, log, replica), ...note },
          ConditionExpression: seen ? 'since = :since' : 'attribute_not_exists(pk)',
          ...(seen ? { ExpressionAttributeValues: { ':since': seen.since } } : {}),
        }),
      ),
    );
  }
}
