import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** Without the flag a request that has timed out is only logged, and waited for. */
const timeouts = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };

/** Before it answers a page, S3 steps over each delete marker that lies before a live key. */
export const listTimeoutMs = 20_000;

/** Settings of every SDK client. */
export const patience = { maxAttempts: 3, requestHandler: timeouts };

/**
 * The time that a request waits for a free socket counts as connecting. A restore copies 128 payloads at once, and 64
 * parts of large ones.
 */
const sockets = { maxSockets: 256 };

/** A document client with explicit timeouts; its endpoint comes from AWS_ENDPOINT_URL_DYNAMODB when that is set. */
export function documentClient(region?: string): DynamoDBDocumentClient {
  const client = new DynamoDBClient({ ...patience, ...(region ? { region } : {}) });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** Path-style keeps one loopback address working for every bucket of the embedded stack. */
export function s3Client(): S3Client {
  return new S3Client({
    ...patience,
    requestHandler: { ...timeouts, httpAgent: sockets, httpsAgent: sockets },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    // A backup is restored from a bucket in whatever Region it lies.
    followRegionRedirects: true,
    forcePathStyle: process.env['AWS_ENDPOINT_URL_S3'] !== undefined,
  });
}

export function sfnClient(): SFNClient {
  return new SFNClient(patience);
}

export function lambdaClient(): LambdaClient {
  return new LambdaClient(patience);
}
