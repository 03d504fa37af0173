import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { leadershipKey } from '../../../leadership/keys.ts';
import type { Item } from '../../../store/item.ts';

/** Tampers with a group's record in the table, or deletes it. */
export async function changeItem(
  client: DynamoDBDocumentClient,
  table: string,
  group: string,
  edit: (item: Item) => Item | undefined,
): Promise<void> {
  const Key = leadershipKey(group);
  const { Item = {} } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
  const edited = edit(Item);
  if (edited) await client.send(new PutCommand({ TableName: table, Item: { ...edited, ...Key } }));
  else await client.send(new DeleteCommand({ TableName: table, Key }));
}
