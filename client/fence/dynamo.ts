/**
 * The fence in DynamoDB.
 *
 * Guarantee of `fencedDynamo`: an item refuses every guarded write of a version below the highest that wrote it. The
 * item keeps the version in an attribute, and the condition is part of the write. Guarantee of
 * `fencedDynamoTransaction`: the same for everything in the transaction, through one fence item; it also covers
 * deletes.
 *
 * Not guarded: writes without the condition, and batch writes, which cannot be conditional.
 */
import { FencedError, type FencingTerm, versionOf } from './fence.ts';

/**
 * The attribute in which a guarded item keeps its version.
 *
 * @example
 * ```ts
 * import { fenceAttribute } from 'tenure/fence';
 *
 * const versionOf = (item: Record<string, unknown>) => Number(item[fenceAttribute] ?? 0);
 * ```
 */
export const fenceAttribute = 'tenureFencingVersion';

const condition = '(attribute_not_exists(#tenureFence) OR #tenureFence <= :tenureFence)';

type Values = Record<string, unknown>;

/** The members of a Put or Update that the fence reads or changes. */
export interface DynamoWrite {
  readonly TableName?: string | undefined;
  readonly Key?: Values | undefined;
  readonly Item?: Values | undefined;
  readonly UpdateExpression?: string | undefined;
  readonly ConditionExpression?: string | undefined;
  readonly ExpressionAttributeNames?: Record<string, string> | undefined;
  readonly ExpressionAttributeValues?: Values | undefined;
}

export interface DynamoOptions {
  /**
   * Whether the input has attribute values (`{ N: '7' }`), as `@aws-sdk/client-dynamodb` takes them, instead of plain
   * JavaScript.
   * @defaultValue false
   */
  readonly marshalled?: boolean;
}

/**
 * Adds the fence to the input of a `PutCommand` or an `UpdateCommand`: the write succeeds only while the item was
 * written by no newer version, and leaves this version in `tenureFencingVersion`. Costs no further request.
 *
 * @throws `TypeError` for a delete (the item's fence would go with it: use `fencedDynamoTransaction`, or an update that
 *   marks the item
 * as deleted), for a batch write (it cannot be conditional) and for inputs with the legacy condition parameters.
 * @example
 * ```ts
 * import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
 * import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
 * import { fenced } from 'tenure/fence';
 *
 * const client = DynamoDBDocumentClient.from(new DynamoDBClient());
 * declare const term: { fencingVersion: number };
 * await client.send(
 *   new UpdateCommand(
 *     fenced.dynamo(term, {
 *       TableName: 'accounts',
 *       Key: { id: 'a' },
 *       UpdateExpression: 'SET balance = :balance',
 *       ExpressionAttributeValues: { ':balance': 5 },
 *     }),
 *   ),
 * );
 * ```
 */
export function fencedDynamo<Input extends DynamoWrite>(
  term: FencingTerm,
  input: Input,
  { marshalled = false }: DynamoOptions = {},
): Input {
  const version = versionOf(term);
  const value = marshalled ? { N: String(version) } : version;
  refuseUnguardable(input);
  const { Item, UpdateExpression, ConditionExpression } = input;
  return {
    ...input,
    ...(Item
      ? { Item: { ...Item, [fenceAttribute]: value } }
      : { UpdateExpression: withFence(UpdateExpression ?? '') }),
    ConditionExpression: ConditionExpression ? `${condition} AND (${ConditionExpression})` : condition,
    ExpressionAttributeNames: { ...input.ExpressionAttributeNames, '#tenureFence': fenceAttribute },
    ExpressionAttributeValues: { ...input.ExpressionAttributeValues, ':tenureFence': value },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
}

function refuseUnguardable(input: object): void {
  if ('RequestItems' in input) {
    throw new TypeError('A batch write cannot be conditional; send a transaction through fenced.dynamoTransaction');
  }
  const legacy = ['Expected', 'AttributeUpdates', 'ConditionalOperator'].find((parameter) => parameter in input);
  if (legacy) throw new TypeError(`${legacy} excludes a ConditionExpression; write the condition as an expression`);
  if (!('Item' in input) && !('UpdateExpression' in input)) {
    throw new TypeError(
      "A delete would remove the item's fence with the item; use fenced.dynamoTransaction, or mark the item as deleted",
    );
  }
}

function withFence(expression: string): string {
  const set = '#tenureFence = :tenureFence';
  const [found] = /(?<![#:\w])SET\s/i.exec(expression) ?? [];
  return found ? expression.replace(found, `${found}${set}, `) : `SET ${set} ${expression}`.trimEnd();
}

/** The fence item of a transaction: its table and its whole primary key. */
export interface FenceItem {
  readonly TableName: string;
  readonly Key: Values;
}

/**
 * Adds an update of the fence item to the input of a `TransactWriteCommand`: everything in it is written only while no
 * newer version has passed the same fence item. Covers deletes and conditions of the caller's own. One item (two write
 * units) more.
 *
 * @throws `RangeError` when the transaction already has 100 items.
 */
export function fencedDynamoTransaction<Input extends { readonly TransactItems?: readonly object[] | undefined }>(
  term: FencingTerm,
  input: Input,
  fence: FenceItem,
  options?: DynamoOptions,
): Input & { TransactItems: NonNullable<Input['TransactItems']> } {
  const items = input.TransactItems ?? [];
  if (items.length >= 100) throw new RangeError(`The transaction has ${items.length} items; 99 and the fence fit`);
  const Update = fencedDynamo(term, { ...fence, UpdateExpression: '' }, options);
  return { ...input, TransactItems: [{ Update }, ...items] } as Input & {
    TransactItems: NonNullable<Input['TransactItems']>;
  };
}

/**
 * The `FencedError` of a failed guarded write, or undefined when it failed for another reason: another condition of the
 * caller, or no condition at all.
 *
 * @example
 * ```ts
 * import { DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
 * import { dynamoRefusal, fenced } from 'tenure/fence';
 *
 * declare const client: DynamoDBDocumentClient;
 * declare const term: { fencingVersion: number };
 * const order = { Put: { TableName: 'orders', Item: { id: '7', paid: true } } };
 * const fence = { TableName: 'orders', Key: { id: 'fence' } };
 * const input = fenced.dynamoTransaction(term, { TransactItems: [order] }, fence);
 * await client.send(new TransactWriteCommand(input)).catch((error) => {
 *   throw dynamoRefusal(error, term, 'orders') ?? error;
 * });
 * ```
 */
export function dynamoRefusal(error: unknown, term: FencingTerm, guarded: string): FencedError | undefined {
  const yours = versionOf(term);
  const { Item, CancellationReasons } = error as { Item?: Values; CancellationReasons?: readonly { Item?: Values }[] };
  const seen = [Item, ...(CancellationReasons ?? []).map((reason) => reason.Item)].map(versionIn);
  const newest = Math.max(0, ...seen.flatMap((version) => version ?? []));
  return newest > yours ? new FencedError(guarded, yours, newest, { cause: error }) : undefined;
}

/** Errors of the document client carry raw attribute values, too. */
function versionIn(item: Values | undefined): number | undefined {
  const value = item?.[fenceAttribute] as number | { readonly N?: string } | undefined;
  const version = typeof value === 'object' ? Number(value.N) : value;
  return Number.isInteger(version) ? version : undefined;
}
