import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type * as z from 'zod';
import { type Clock, instant } from '../platform/clock.ts';
import { type Endpoint, endpoint } from '../platform/http.ts';
import { Problem, unavailable } from '../platform/problem.ts';
import * as schema from './schema.ts';

export interface Stores {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly s3: S3Client;
  readonly table: string;
  readonly bucket: string;
  readonly clock: Clock;
  readonly version: string;
}

/** The health route and the API's own description. */
export function operationsRoutes(stores: Stores, document: z.infer<typeof schema.openapi.answer>): Endpoint[] {
  return [
    endpoint(schema.health, async () => {
      await reached('DynamoDB table', stores.table, () =>
        stores.dynamodb.send(new GetCommand({ TableName: stores.table, Key: { pk: 'HEALTH', sk: 'HEALTH' } })),
      );
      await reached('S3 bucket', stores.bucket, () => stores.s3.send(new HeadBucketCommand({ Bucket: stores.bucket })));
      return {
        status: 'ok' as const,
        version: stores.version,
        stores: { dynamodb: 'reached' as const, s3: 'reached' as const },
        now: instant(stores.clock.now()),
      };
    }),
    endpoint(schema.openapi, async () => document),
  ];
}

async function reached(kind: string, store: string, request: () => Promise<unknown>): Promise<void> {
  try {
    await request();
  } catch (cause) {
    const { name } = cause as Error;
    throw new Problem(
      unavailable,
      `The ${kind} "${store}" cannot be reached (${name}); try again.`,
      { retryAfterMs: 1_000 },
      { cause },
    );
  }
}
