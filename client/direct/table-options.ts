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

/** A table with a replica of each log, where its name does not say enough. */
export interface ReplicaOptions {
  /** Name of the DynamoDB table; `tenure table create --replica` makes one. */
  readonly name: string;
  /** AWS Region; that of the leases unless given. */
  readonly region?: string | undefined;
  /** A client of yours. */
  readonly dynamodb?: DynamoDBClient | undefined;
}

/** The tables of logs in direct mode. */
export interface LogTables {
  /** The table of leases: it also holds which logs there are. */
  readonly leases: string | TableOptions;
  /** 1, 3 or 5 tables, the same for every process. */
  readonly replicas: readonly (string | ReplicaOptions)[];
}
