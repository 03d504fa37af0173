import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fireSchedule, order, type RunningStack, startStack } from '../../support/stack.ts';

let stack: RunningStack;
const access = () => ({ region: stack.region, credentials: stack.credentials });
let dynamodb: DynamoDBClient;

beforeAll(async () => {
  const env = { TENURE_SETTING: 'from the environment' };
  stack = await startStack({ app: 'test/infra/emulator/fixture/app.ts', schedules: false, env });
  dynamodb = new DynamoDBClient({ ...access(), endpoint: stack.dynamodb });
});
afterAll(() => stack?.stop());

interface Echoed {
  event: { routeKey: string };
  environment: { QUEUE_URL: string; BUS_NAME: string };
  context: { functionName: string; remainingMs: number };
  calls: number;
}

const json = { 'content-type': 'application/json' };
const content = async (answer: Promise<Response>) => (await (await answer).json()) as Echoed;
const get = (path: string, method = 'GET') => fetch(stack.api + path, { method });

const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${stack.api}${path}`, {
    method: 'POST',
    headers: { ...json, ...headers },
    body: JSON.stringify(body),
  });

const functionNamed = (part: string) => stack.functions.find((name) => name.includes(part)) ?? '';

async function seen(kind: string): Promise<{ sk: string; content: Record<string, never> }[]> {
  const { Items = [] } = await dynamodb.send(
    new QueryCommand({
      TableName: stack.table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: `seen#${kind}` } },
      ConsistentRead: true,
    }),
  );
  return Items.map((item) => ({ sk: item['sk']?.S ?? '', content: JSON.parse(item['content']?.S ?? '{}') }));
}

const put = (pk: string, sk: string) =>
  dynamodb.send(new PutItemCommand({ TableName: stack.table, Item: { pk: { S: pk }, sk: { S: sk } } }));

async function queued(): Promise<Record<string, never>[]> {
  const file = join(dirname(stack.eventsFile), 'queues', `${await queueName()}.ndjson`);
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(JSON.parse(line).body));
}

async function queueName(): Promise<string> {
  const { environment } = await content(get('/echo'));
  return new URL(environment.QUEUE_URL).pathname.split('/').at(-1) ?? '';
}

const patience = { timeout: 60_000, interval: 50 };

describe('functions', () => {
  test('run with the resolved environment of the template and the addresses of the other parts', async () => {
    const { environment, context } = await content(get('/echo'));
    expect(environment).toMatchObject({
      TABLE_NAME: stack.table,
      BUCKET_NAME: stack.bucket,
      WHEN_ALWAYS: 'yes',
      API_URL: stack.api,
      TENURE_SETTING: 'from the environment',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: stack.credentials.accessKeyId,
      AWS_ENDPOINT_URL_DYNAMODB: stack.dynamodb,
      AWS_ENDPOINT_URL_S3: stack.s3,
      AWS_ENDPOINT_URL_SFN: stack.stepFunctions,
      AWS_ENDPOINT_URL_LAMBDA: stack.services,
      AWS_LAMBDA_FUNCTION_NAME: functionNamed('Echo'),
    });
    expect(new URL(environment.QUEUE_URL).origin).toBe(stack.services);
    expect(context.functionName).toBe(functionNamed('Echo'));
    expect(context.remainingMs).toBeGreaterThan(0);
  });

  test('that throw, exit or time out are 500 and 503, and the next request is served', async () => {
    expect((await post('/misbehave', { how: 'throw' })).status).toBe(500);
    expect((await post('/misbehave', { how: 'exit' })).status).toBe(500);
    const late = await post('/misbehave', { how: 'hang' });
    expect([late.status, await late.json()]).toEqual([503, { message: 'Service Unavailable' }]);
    expect(await (await post('/misbehave', { how: 'count' })).json()).toEqual({ calls: 1 });
    expect(stack.output()).toMatch(/Misbehave\w+ failed: Sandbox.Timedout: .* timed out after 1.00 seconds/);
  });

  test('are invoked over the Lambda API, also asynchronously with a destination for failures', async () => {
    const invoke = (name: string, payload: object, type: string) =>
      fetch(`${stack.services}/2015-03-31/functions/${name}/invocations`, {
        method: 'POST',
        headers: { 'x-amz-invocation-type': type, 'content-type': 'application/json' },
        body: JSON.stringify(payload),
      });
    const answered = await invoke(functionNamed('Misbehave'), { how: 'count' }, 'RequestResponse');
    expect(await answered.json()).toHaveProperty('calls');
    const failed = await invoke(functionNamed('Misbehave'), { how: 'throw' }, 'RequestResponse');
    expect(failed.headers.get('x-amz-function-error')).toBe('Unhandled');
    expect(await failed.json()).toMatchObject({ errorType: 'TypeError', errorMessage: 'meant to fail' });
    expect((await invoke('nobody', {}, 'Event')).status).toBe(404);

    expect((await invoke(functionNamed('Record'), { fail: true }, 'Event')).status).toBe(202);
    await vi.waitFor(async () => {
      const record = (await queued()).find(({ requestPayload }) => requestPayload);
      expect(record).toMatchObject({
        requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 },
        requestPayload: { fail: true },
        responsePayload: { errorMessage: 'asked to fail' },
      });
    }, patience);
  });
});

describe('the gateway', () => {
  test('prefers the more specific route and names what it does not know', async () => {
    const key = async (path: string, method = 'GET') => (await content(get(path, method))).event.routeKey;
    expect(await key('/echo/fixed')).toBe('GET /echo/fixed');
    expect(await key('/echo/other')).toBe('GET /echo/{name}');
    expect(await key('/files/a/b')).toBe('ANY /files/{path+}');
    const unknown = await fetch(`${stack.api}/nowhere`);
    expect([unknown.status, await unknown.json()]).toEqual([404, { message: 'Not Found' }]);
  });

  test('hands over text, bytes, cookies and headers both ways', async () => {
    const text = await fetch(`${stack.api}/echo?as=text`);
    expect([text.status, text.headers.get('x-own'), await text.text()]).toEqual([201, 'v', 'tëxt']);
    expect(text.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2']);
    const bytes = await fetch(`${stack.api}/echo?as=bytes`);
    expect(new Uint8Array(await bytes.arrayBuffer())).toEqual(new Uint8Array([0, 255, 1]));
    const echoed = fetch(`${stack.api}/echo`, { method: 'POST', headers: json, body: new Uint8Array([0xff, 0xfe]) });
    expect((await content(echoed)).event).toMatchObject({ body: '//4=', isBase64Encoded: true });
    expect((await fetch(`${stack.api}/echo?as=nonsense`)).status).toBe(500);
  });

  test('enforces the limits of API Gateway and Lambda', async () => {
    const tooLong = await fetch(`${stack.api}/echo`, { headers: { 'x-long': 'x'.repeat(10_240) } });
    expect(tooLong.status).toBe(431);
    const nearly = await fetch(`${stack.api}/echo`, { headers: { 'x-long': 'x'.repeat(9_900) } });
    expect(nearly.status).toBe(200);
    const large = await fetch(`${stack.api}/echo`, { method: 'POST', headers: json, body: 'x'.repeat(6_291_456) });
    expect([large.status, await large.json()]).toEqual([413, { message: 'Request Entity Too Large' }]);
    expect((await fetch(`${stack.api}/echo?as=large&bytes=6291556`)).status).toBe(500);
    expect((await (await fetch(`${stack.api}/echo?as=large&bytes=6000000`)).text()).length).toBe(6_000_000);
  });

  test('injects what API Gateway itself would answer, before the function or after it', async () => {
    const count = async () => (await content(post('/misbehave', { how: 'count' }))).calls;
    const start = await count();
    const throttled = await post('/misbehave', { how: 'count' }, { 'tenure-inject': '429' });
    expect([throttled.status, await throttled.json()]).toEqual([429, { message: 'Too Many Requests' }]);
    expect(await count()).toBe(start + 1);
    expect((await post('/misbehave', { how: 'count' }, { 'tenure-inject': '504;after' })).status).toBe(504);
    expect(await count()).toBe(start + 3);
    await expect(post('/misbehave', { how: 'count' }, { 'tenure-inject': '0;after' })).rejects.toThrow('fetch failed');
    expect(await count()).toBe(start + 5);
    expect((await post('/misbehave', {}, { 'tenure-inject': 'often' })).status).toBe(400);

    const inject = (content: unknown) => order(stack, 'inject', content);
    expect(await (await inject({ status: 403, times: 2, method: 'POST', path: '/misbehave' })).json()).toEqual({
      orders: 1,
    });
    expect((await fetch(`${stack.api}/echo`)).status).toBe(200);
    expect(await (await post('/misbehave', { how: 'count' })).json()).toEqual({ message: 'Forbidden' });
    expect((await post('/misbehave', { how: 'count' })).status).toBe(403);
    expect((await post('/misbehave', { how: 'count' })).status).toBe(200);
    expect(await (await inject({ status: 200 })).json()).toMatchObject({ issues: [expect.stringContaining('status')] });
  });
});

describe('work without a request', () => {
  test('stream records that pass the filter reach the function; a poisoned one goes to its queue after the retries', async () => {
    await put('ignored', 'x');
    await put('watched#1', 'first');
    await put('watched#1', 'poison');
    await vi.waitFor(async () => {
      const given = (await queued()).find(({ DDBStreamBatchInfo }) => DDBStreamBatchInfo);
      expect(given).toMatchObject({
        requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 2 },
        DDBStreamBatchInfo: { batchSize: 1 },
      });
    }, patience);
    expect(await seen('poison')).toHaveLength(2);
    await put('watched#1', 'third');
    await vi.waitFor(async () => {
      expect((await seen('stream')).map(({ sk }) => sk)).toEqual(['first', 'third']);
    }, patience);
    const [first] = await seen('stream');
    expect(first?.content).toMatchObject({
      eventName: 'INSERT',
      eventSource: 'aws:dynamodb',
      dynamodb: { NewImage: { pk: { S: 'watched#1' }, sk: { S: 'first' } }, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    });
  });

  test('events are kept in a file and reach the functions of the rules they fit', async () => {
    const client = new EventBridgeClient({ ...access(), endpoint: stack.services });
    const { environment } = await content(get('/echo'));
    const entry = { EventBusName: environment.BUS_NAME, Source: 'shop', DetailType: 'order', Detail: '{"no":1}' };
    const { FailedEntryCount, Entries = [] } = await client.send(
      new PutEventsCommand({ Entries: [entry, { ...entry, DetailType: 'other' }, { ...entry, EventBusName: 'none' }] }),
    );
    expect(FailedEntryCount).toBe(1);
    expect(Entries[2]?.ErrorCode).toBe('ResourceNotFoundException');
    const lines = (await readFile(stack.eventsFile, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line['detail-type'])).toEqual(['order', 'other']);
    expect(lines[0]).toMatchObject({ id: Entries[0]?.EventId, source: 'shop', detail: { no: 1 } });
    await vi.waitFor(async () => {
      expect((await seen('event')).map(({ sk }) => sk)).toEqual([Entries[0]?.EventId]);
    }, patience);
  });

  test('a schedule fired by hand gives its target the slot', async () => {
    await fireSchedule(stack, /EverySlot/, { slot: '2026-05-06T07:08:00.000Z' });
    await vi.waitFor(async () => {
      expect((await seen('slot')).map(({ sk }) => sk)).toEqual(['2026-05-06T07:08:00Z']);
    }, patience);
  });

  test('a workflow runs the functions of the template', async () => {
    const client = new SFNClient({ ...access(), endpoint: stack.stepFunctions });
    const [stateMachineArn] = Object.values(stack.stateMachines);
    const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn, input: '{"said":"it"}' }));
    await vi.waitFor(async () => {
      const { status, output = '{}' } = await client.send(new DescribeExecutionCommand({ executionArn }));
      expect(status).toBe('SUCCEEDED');
      expect(JSON.parse(output).event).toEqual({ said: 'it' });
    }, patience);
  });

  test('says what it does not run', () => {
    expect(stack.output()).toContain('Custom::Special fixture-service/Special');
  });
});

test('a restart, also after SIGKILL, keeps tables, objects and what streams have seen', async () => {
  const objects = () => new S3Client({ ...access(), endpoint: stack.s3, forcePathStyle: true });
  await put('kept', '1');
  await objects().send(new PutObjectCommand({ Bucket: stack.bucket, Key: 'kept', Body: 'bytes' }));
  const { api } = stack;
  const before = (await seen('poison')).length;
  await stack.kill();
  await stack.restart();
  expect(stack.api).toBe(api);
  dynamodb = new DynamoDBClient({ ...access(), endpoint: stack.dynamodb });
  const { Item } = await dynamodb.send(
    new GetItemCommand({ TableName: stack.table, Key: { pk: { S: 'kept' }, sk: { S: '1' } } }),
  );
  expect(Item).toBeDefined();
  const { Body } = await objects().send(new GetObjectCommand({ Bucket: stack.bucket, Key: 'kept' }));
  expect(await Body?.transformToString()).toBe('bytes');
  await put('watched#2', 'after the restart');
  await vi.waitFor(async () => {
    expect((await seen('stream')).map(({ sk }) => sk)).toContain('after the restart');
  }, patience);
  expect((await seen('poison')).length).toBe(before);
});
