import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type * as z from 'zod/mini';
import * as schema from '../../api/operations/service.ts';
import { ProblemError, unavailable } from '../../api/problem.ts';
import { type Clock, instant } from '../../store/clock.ts';
import { type Endpoint, endpoint } from '../platform/http.ts';

export interface Stores {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly s3: S3Client;
  readonly table: string;
  readonly bucket: string;
  readonly clock: Clock;
  readonly version: string;
}

/** The health route and the API's own description. */
export function operationsRoutes(stores: Stores, document: () => z.infer<typeof schema.openapi.answer>): Endpoint[] {
  return [
    endpoint(schema.health, async () => {
      const { table, bucket } = stores;
      const key = { pk: 'HEALTH', sk: 'HEALTH' };
      requireReached({
        dynamodb: await store(`DynamoDB table "${table}"`, () =>
          stores.dynamodb.send(new GetCommand({ TableName: table, Key: key })),
        ),
        s3: await store(`S3 bucket "${bucket}"`, () => stores.s3.send(new HeadBucketCommand({ Bucket: bucket }))),
      });
      return {
        status: 'ok' as const,
        version: stores.version,
        stores: { dynamodb: 'reached' as const, s3: 'reached' as const },
        now: instant(stores.clock.now()),
      };
    }),
    endpoint(schema.openapi, async () => document()),
  ];
}

interface Tried {
  readonly named: string;
  readonly failure?: Error;
}

async function store(named: string, request: () => Promise<unknown>): Promise<Tried> {
  try {
    await request();
    return { named };
  } catch (failure) {
    return { named, failure: failure as Error };
  }
}

/** Throws `unavailable` with the member `stores` that says which of them are reached. */
function requireReached(tried: Readonly<Record<string, Tried>>): void {
  const failed = Object.values(tried).filter(({ failure }) => failure);
  if (failed.length === 0) return;
  const which = failed.map(({ named }) => `the ${named}`).join(' and ');
  const why = [...new Set(failed.map(({ failure }) => failure?.name))].join(', ');
  const stores = Object.entries(tried).map(([name, { failure }]) => [name, failure ? 'unreachable' : 'reached']);
  const members = { stores: Object.fromEntries(stores), retryAfterMs: 1_000 };
  const detail = `${which.charAt(0).toUpperCase()}${which.slice(1)} cannot be reached (${why}); try again.`;
  throw new ProblemError(unavailable, detail, members, { cause: failed[0]?.failure });
}
