import { UpdateTableCommand } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBRecord } from 'aws-lambda';
import { lambdaRecord } from '../../emulator/streams/record.ts';
import { shardReader } from '../../emulator/streams/shards.ts';
import { localDynamoDb } from './main-table.ts';

/**
 * Switches on the stream of a table, as the deployed one has it, and reads what comes of it as Lambda hands it over.
 */
export async function streamOf(endpoint: string, TableName: string) {
  const StreamSpecification = { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' as const };
  const { TableDescription } = await localDynamoDb(endpoint).send(
    new UpdateTableCommand({ TableName, StreamSpecification }),
  );
  const arn = TableDescription?.LatestStreamArn ?? '';
  const client = new DynamoDBStreamsClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const reader = shardReader(client, arn, {}, 'TRIM_HORIZON');
  return {
    /** Everything that was written since the last call. */
    async records(): Promise<DynamoDBRecord[]> {
      const found: DynamoDBRecord[] = [];
      for (;;) {
        const batches = await reader.read(1_000);
        if (batches.length === 0) return found;
        for (const { records } of batches) {
          found.push(...records.map((record) => lambdaRecord(record, arn) as DynamoDBRecord));
        }
      }
    },
  };
}
