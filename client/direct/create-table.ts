import {
  CreateTableCommand,
  DynamoDBClient,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { replicaDefinition, tableDefinition, timeToLive } from './table-definition.ts';

export interface CreateOptions {
  readonly region?: string | undefined;
  /** Without it DynamoDB refuses to delete the table. */
  readonly deletable: boolean;
  /** For replicas of logs in place of leases. */
  readonly replica?: boolean;
}

const longestWaitSeconds = 300;

/** Makes a table of leases or of replicas, with point-in-time recovery; returns its ARN once it is active. */
export async function createTable(
  name: string,
  { region, deletable, replica = false }: CreateOptions,
): Promise<string> {
  const client = new DynamoDBClient(region === undefined ? {} : { region });
  const input = { ...(replica ? replicaDefinition : tableDefinition)(name), DeletionProtectionEnabled: !deletable };
  const { TableDescription } = await client.send(new CreateTableCommand(input));
  const maxWaitTime = longestWaitSeconds;
  await waitUntilTableExists({ client, maxWaitTime, minDelay: 1, maxDelay: 5 }, { TableName: name });
  if (!replica)
    await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: timeToLive }));
  const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
  await client.send(new UpdateContinuousBackupsCommand({ TableName: name, PointInTimeRecoverySpecification }));
  return TableDescription?.TableArn ?? name;
}
