/**
 * The charge of AWS for a write, counted by AWS's rule: DynamoDB Local reports the units of one item for a whole
 * transaction, and none for a write that its condition refuses.
 *
 * A unit is 1 KB of an item, rounded up, each item by itself; an item is as large as the larger of before and after. A
 * transaction costs twice as much, a check of a condition as much as a write, and a refused write what a successful
 * one would have cost for the item that is there.
 */
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Sent } from './faults.ts';

type AnyClient = Pick<DynamoDBClient | DynamoDBDocumentClient, 'config'>;

/** As it is sent: `{ S: 'text' }`; bytes are base64 on the wire. */
type Attribute = Readonly<Record<string, unknown>>;
type Attributes = Readonly<Record<string, Attribute>>;

export interface Target {
  readonly TableName: string;
  readonly Key?: Attributes;
  readonly Item?: Attributes;
}

export interface TransactionInput {
  readonly TransactItems?: readonly Readonly<Partial<Record<'Put' | 'Update' | 'Delete' | 'ConditionCheck', Target>>>[];
}

/** The size of a stored item, 0 where there is none. */
export type SizeOf = (table: string, key: Attributes) => Promise<number>;

const unitBytes = 1_024;
const listOverhead = 3;

export function itemBytes(item: Attributes): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + attributeBytes(value), 0);
}

function attributeBytes(attribute: Attribute): number {
  const [[type, value] = []] = Object.entries(attribute);
  switch (type) {
    case 'S':
      return Buffer.byteLength(value as string);
    case 'N':
      return numberBytes(value as string);
    case 'B':
      return binaryBytes(value as string | Uint8Array);
    case 'BOOL':
    case 'NULL':
      return 1;
    case 'SS':
      return sum(value as string[], Buffer.byteLength);
    case 'NS':
      return sum(value as string[], numberBytes);
    case 'BS':
      return sum(value as (string | Uint8Array)[], binaryBytes);
    case 'L':
      return listOverhead + sum(value as Attribute[], (one) => 1 + attributeBytes(one));
    case 'M': {
      const map = value as Attributes;
      return listOverhead + Object.keys(map).length + itemBytes(map);
    }
    default:
      throw new Error(`Unknown type of attribute ${type}`);
  }
}

/** Two digits a byte and one more, without zeros at either end; a sign is one more byte. */
function numberBytes(number: string): number {
  const digits = number
    .replace(/e.*$/i, '')
    .replace(/[-+.]/g, '')
    .replace(/^0+|0+$/g, '');
  return Math.ceil(digits.length / 2) + 1 + (number.startsWith('-') ? 1 : 0);
}

function binaryBytes(bytes: string | Uint8Array): number {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'base64').length : bytes.length;
}

function sum<One>(all: readonly One[], of: (one: One) => number): number {
  return all.reduce((bytes, one) => bytes + of(one), 0);
}

export function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / unitBytes));
}

/** The units of a transaction that writes, each item by itself; where one was larger before, `sizeOf` must know it. */
export async function transactionUnits({ TransactItems = [] }: TransactionInput, sizeOf: SizeOf): Promise<number> {
  const sizes = TransactItems.map(async (action) => {
    const [target] = Object.values(action);
    if (!target) throw new Error('An action of a transaction writes no item');
    return target.Item ? itemBytes(target.Item) : sizeOf(target.TableName, target.Key ?? {});
  });
  return sum(await Promise.all(sizes), (bytes) => 2 * writeUnits(bytes));
}

/** The units of a single write that its condition refused: those of the item that is there. */
export async function refusedUnits({ TableName, Key, Item }: Target, sizeOf: SizeOf): Promise<number> {
  return writeUnits(Item ? itemBytes(Item) : await sizeOf(TableName, Key ?? {}));
}

/**
 * The units that AWS charges for a request that `injectFaults` has recorded. Items are measured as they are now: ask
 * right after the step. The reads for it pass through a client of its own and are not counted.
 */
export async function unitsOf({ command, input, capacity, refused }: Sent, client: AnyClient): Promise<number> {
  const { endpoint, region, credentials } = client.config;
  const reader = new DynamoDBClient({ ...(endpoint && { endpoint }), region, credentials });
  const sizeOf = storedSizes(reader);
  try {
    if (command === 'TransactWriteItemsCommand') return await transactionUnits(input as TransactionInput, sizeOf);
    if (refused !== 'ConditionalCheckFailedException') return capacity;
    return await refusedUnits(input as unknown as Target, sizeOf);
  } finally {
    reader.destroy();
  }
}

/** Reads the sizes of items through a client. */
export function storedSizes(client: DynamoDBClient): SizeOf {
  return async (TableName, Key) => {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: Key as never, ConsistentRead: true }));
    return Item ? itemBytes(Item as unknown as Attributes) : 0;
  };
}
