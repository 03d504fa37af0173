import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { CredentialsProvider } from '../transport.ts';

/** A table of leases, and how it is reached. */
export interface TableOptions {
  /** Name or ARN of the DynamoDB table; `tenure table create` makes one. */
  readonly name: string;
  /** AWS Region; AWS_REGION or that of the profile unless given. */
  readonly region?: string | undefined;
  /** Address of DynamoDB; AWS_ENDPOINT_URL_DYNAMODB or that of the Region unless given. */
  readonly endpoint?: string | undefined;
  /** The SDK's default chain unless given. */
  readonly credentials?: CredentialsProvider | undefined;
  /** A client of yours, in place of one that is made with the options above: a proxy, a retry policy, tracing. */
  readonly dynamodb?: DynamoDBClient | undefined;
}
