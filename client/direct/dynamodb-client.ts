import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { requestTimeouts } from '../../store/request-timeouts.ts';
import type { Credentials } from '../transport.ts';
import type { TableOptions } from './table-options.ts';

export function dynamoDbClient(
  { region, endpoint, credentials }: TableOptions,
  timeouts = requestTimeouts,
): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 3,
    requestHandler: timeouts,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && { credentials: async () => identityOf(await credentials()) }),
  });
}

const identityOf = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials) => ({
  accessKeyId,
  secretAccessKey,
  ...(sessionToken !== undefined && { sessionToken }),
});
