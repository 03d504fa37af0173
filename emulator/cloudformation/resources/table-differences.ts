import type {
  CreateTableCommandInput,
  GlobalSecondaryIndex,
  GlobalSecondaryIndexDescription,
  KeySchemaElement,
  TableDescription,
  UpdateTableCommandInput,
} from '@aws-sdk/client-dynamodb';

export interface Differences {
  /** In the order in which to send them: DynamoDB takes one index or stream change at a time. */
  updates: UpdateTableCommandInput[];
  /** Set when something differs that only a new table can have. */
  refusal?: string;
}

/** Compares the table that the template wants with the existing one. */
export function differences(wanted: CreateTableCommandInput, present: TableDescription): Differences {
  const refusal = refusalOf(wanted, present);
  if (refusal) return { updates: [], refusal };
  const TableName = wanted.TableName;
  const updates: UpdateTableCommandInput[] = [];
  const protection = wanted.DeletionProtectionEnabled ?? false;
  if (protection !== (present.DeletionProtectionEnabled ?? false)) {
    updates.push({ TableName, DeletionProtectionEnabled: protection });
  }
  const wantedStream = wanted.StreamSpecification?.StreamViewType;
  const presentStream = present.StreamSpecification?.StreamEnabled
    ? present.StreamSpecification.StreamViewType
    : undefined;
  if (wantedStream !== presentStream) {
    if (presentStream) updates.push({ TableName, StreamSpecification: { StreamEnabled: false } });
    if (wantedStream) updates.push({ TableName, StreamSpecification: wanted.StreamSpecification });
  }
  return { updates: [...updates, ...indexUpdates(wanted, present)] };
}

function indexUpdates(wanted: CreateTableCommandInput, present: TableDescription): UpdateTableCommandInput[] {
  const TableName = wanted.TableName;
  const wantedIndexes = wanted.GlobalSecondaryIndexes ?? [];
  const presentIndexes = present.GlobalSecondaryIndexes ?? [];
  const dropped = presentIndexes.filter(
    ({ IndexName }) => !wantedIndexes.some((index) => index.IndexName === IndexName),
  );
  const added = wantedIndexes.filter(({ IndexName }) => !presentIndexes.some((index) => index.IndexName === IndexName));
  return [
    ...dropped.map(({ IndexName }) => ({ TableName, GlobalSecondaryIndexUpdates: [{ Delete: { IndexName } }] })),
    ...added.map((Create) => ({
      TableName,
      AttributeDefinitions: wanted.AttributeDefinitions,
      GlobalSecondaryIndexUpdates: [{ Create }],
    })),
  ];
}

function refusalOf(wanted: CreateTableCommandInput, present: TableDescription): string | undefined {
  if (keysOf(wanted.KeySchema) !== keysOf(present.KeySchema)) {
    return `its key is ${keysOf(present.KeySchema)}, the template wants ${keysOf(wanted.KeySchema)}`;
  }
  for (const { AttributeName, AttributeType } of wanted.AttributeDefinitions ?? []) {
    const before = present.AttributeDefinitions?.find((definition) => definition.AttributeName === AttributeName);
    if (before && before.AttributeType !== AttributeType) {
      return `its key attribute ${AttributeName} has type ${before.AttributeType}, the template wants ${AttributeType}`;
    }
  }
  for (const index of wanted.GlobalSecondaryIndexes ?? []) {
    const before = present.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === index.IndexName);
    if (before && shapeOf(before) !== shapeOf(index)) {
      return `its index ${index.IndexName} is ${shapeOf(before)}, the template wants ${shapeOf(index)}`;
    }
  }
  const [localBefore, localWanted] = [present, wanted].map(({ LocalSecondaryIndexes = [] }) =>
    LocalSecondaryIndexes.map((index) => `${index.IndexName} ${shapeOf(index)}`)
      .sort()
      .join(', '),
  );
  if (localBefore === localWanted) return undefined;
  return `its local indexes are [${localBefore}], the template wants [${localWanted}]`;
}

function keysOf(keys: KeySchemaElement[] | undefined): string {
  return (keys ?? []).map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`).join(' + ');
}

function shapeOf({ KeySchema, Projection }: GlobalSecondaryIndex | GlobalSecondaryIndexDescription): string {
  const attributes = [...(Projection?.NonKeyAttributes ?? [])].sort();
  return [keysOf(KeySchema), Projection?.ProjectionType, ...attributes].join(' ');
}
