import type { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { expect, test } from 'vitest';
import { operationsRoutes } from '../../../functions/operations/routes.ts';
import { serve } from '../../../functions/platform/http.ts';
import { logger } from '../../../functions/platform/logging.ts';

logger.setLogLevel('SILENT');

const reached = { send: async () => ({}) };
const unreachable = {
  send: async () => {
    throw Object.assign(new Error('connect ECONNREFUSED'), { name: 'TimeoutError' });
  },
};

async function health(dynamodb: object, s3: object) {
  const stores = {
    dynamodb: dynamodb as DynamoDBDocumentClient,
    s3: s3 as S3Client,
    table: 'main-table',
    bucket: 'payloads',
    clock: { now: () => 0 },
    version: '1.2.3',
  };
  const answer = await serve(operationsRoutes(stores, () => ({}))).request('/v1/health');
  return { status: answer.status, body: await answer.json() };
}

test('says that the stores are reached, the version and the time', async () => {
  expect(await health(reached, reached)).toEqual({
    status: 200,
    body: {
      status: 'ok',
      version: '1.2.3',
      stores: { dynamodb: 'reached', s3: 'reached' },
      now: '1970-01-01T00:00:00.000Z',
    },
  });
});

test.each([
  [unreachable, reached, { dynamodb: 'unreachable', s3: 'reached' }, 'The DynamoDB table "main-table" cannot'],
  [reached, unreachable, { dynamodb: 'reached', s3: 'unreachable' }, 'The S3 bucket "payloads" cannot'],
  [
    unreachable,
    unreachable,
    { dynamodb: 'unreachable', s3: 'unreachable' },
    '"main-table" and the S3 bucket "payloads" cannot',
  ],
])('names each store that is not, and why: 503', async (dynamodb, s3, stores, detail) => {
  const { status, body } = await health(dynamodb, s3);
  expect(status).toBe(503);
  expect(body).toMatchObject({ code: 'unavailable', retryable: true, stores, detail: expect.stringContaining(detail) });
  expect(body).toMatchObject({ detail: expect.stringContaining('TimeoutError') });
});
