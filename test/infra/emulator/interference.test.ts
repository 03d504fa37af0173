import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, GetItemCommand, TransactWriteItemsCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Front, startFront } from '../../../emulator/dynamodb/front.ts';
import { type Fault, interferenceFrom, weatherFrom } from '../../../emulator/like-aws/interference.ts';

const drawn = (seed: number, writes: 'none' | 'item' | 'transaction', count = 20_000, now = () => 0) => {
  const interference = interferenceFrom(seed, now);
  return Array.from({ length: count }, () => interference.next('table', writes));
};
const share = (faults: (Fault | undefined)[], fault: Fault) =>
  faults.filter((one) => one === fault).length / faults.length;

describe('the draw of a seed', () => {
  test('is the same again for the same seed, and another for another', () => {
    expect(drawn(7, 'item', 2_000)).toEqual(drawn(7, 'item', 2_000));
    expect(drawn(7, 'item', 2_000)).not.toEqual(drawn(8, 'item', 2_000));
  });

  test('has every kind of fault, conflicts only for writes and most for transactions', () => {
    // Each request a second after the last: bursts are over by then.
    let time = 0;
    const apart = () => (time += 1_000);
    const [reads, writes, transactions] = (['none', 'item', 'transaction'] as const).map((kind) =>
      drawn(3, kind, 20_000, apart),
    );
    expect(share(reads ?? [], 'conflict')).toBe(0);
    expect(share(transactions ?? [], 'conflict')).toBeGreaterThan(3 * share(writes ?? [], 'conflict'));
    expect(share(writes ?? [], 'throttle')).toBeGreaterThan(0.005);
    expect(share(writes ?? [], 'throttle')).toBeLessThan(0.02);
    expect(share(writes ?? [], 'answer lost')).toBeGreaterThan(0.001);
  });

  test('throttles a table for a while, and others not with it', () => {
    let time = 0;
    const interference = interferenceFrom(5, () => time);
    for (let tried = 0; tried < 100_000; tried += 1) {
      time += 1_000;
      if (interference.next('busy', 'none') !== 'throttle') continue;
      const next = Array.from({ length: 50 }, () => interference.next('busy', 'none'));
      if (!next.every((fault) => fault === 'throttle')) continue;
      expect(Array.from({ length: 50 }, () => interference.next('calm', 'none'))).toContain(undefined);
      time += 400;
      expect(Array.from({ length: 50 }, () => interference.next('busy', 'none'))).toContain(undefined);
      return;
    }
    expect.fail('no burst was drawn');
  });
});

describe('a storm', () => {
  let time = 0;
  const weather = weatherFrom(undefined, () => time);
  const times = <Drawn>(draw: () => Drawn, count = 5_000) => Array.from({ length: count }, draw);
  const failed = (all: unknown[]) => all.filter((one) => one !== undefined).length / all.length;

  test('is not there until it is ordered, and over after its time', () => {
    expect(failed(times(() => weather.next('table', 'transaction')))).toBe(0);
    weather.storm({ seconds: 10, share: 0.3 });
    time = 9_999;
    expect(failed(times(() => weather.next('table', 'transaction')))).toBeGreaterThan(0);
    time = 10_000;
    expect(failed(times(() => weather.next('table', 'transaction')))).toBe(0);
    expect(failed(times(() => weather.invocation()))).toBe(0);
  });

  test('strikes its share of requests, services and invocations, each with the faults that it can have', () => {
    weather.storm({ seconds: 10, share: 0.3 });
    for (const draw of [() => weather.next('t', 'none'), () => weather.service(), () => weather.invocation()])
      expect(failed(times<unknown>(draw))).toBeCloseTo(0.3, 1);
    expect(new Set(times(() => weather.next('t', 'none')))).toEqual(new Set([undefined, 'throttle', 'answer lost']));
    expect(times(() => weather.next('t', 'transaction'))).toContain('conflict');
    expect(new Set(times(() => weather.invocation()))).toEqual(new Set([undefined, 'throttle', 'timeout']));
  });
});

describe('the front of DynamoDB', () => {
  let reached = 0;
  const next: Fault[] = [];
  const database = createServer((request, response) => {
    reached += 1;
    request.resume();
    response.setHeader('content-type', 'application/x-amz-json-1.0').end('{}');
  });
  let front: Front;
  let client: DynamoDBClient;
  const credentials = { accessKeyId: 'k', secretAccessKey: 's', sessionToken: 'a-function' };
  beforeAll(async () => {
    await new Promise<void>((resolve) => void database.listen(0, '127.0.0.1', resolve));
    const target = `http://127.0.0.1:${(database.address() as AddressInfo).port}`;
    front = await startFront(target, { hosts: [], interference: { next: () => next.shift() } });
    client = new DynamoDBClient({ endpoint: front.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  });
  afterAll(async () => {
    client.destroy();
    await front.stop();
    database.close();
  });

  const Key = { pk: { S: 'a' } };
  const update = new UpdateItemCommand({ TableName: 't', Key });
  const Update = { TableName: 't', Key, UpdateExpression: 'SET a = b' };
  const transaction = new TransactWriteItemsCommand({ TransactItems: [{ Update }, { Update }] });

  test('throttles and conflicts before the request takes effect, in the words of DynamoDB', async () => {
    const before = reached;
    next.push('throttle', 'conflict', 'conflict');
    await expect(client.send(new GetItemCommand({ TableName: 't', Key }))).rejects.toMatchObject({
      name: 'ThrottlingException',
    });
    await expect(client.send(update)).rejects.toMatchObject({ name: 'TransactionConflictException' });
    await expect(client.send(transaction)).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }],
    });
    expect(reached).toBe(before);
  });

  test('loses an answer after the request took effect', async () => {
    const before = reached;
    next.push('answer lost');
    await expect(client.send(update)).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(reached).toBe(before + 1);
  });

  test('leaves requests of others alone', async () => {
    next.splice(0, next.length, 'throttle');
    const plain = { accessKeyId: 'k', secretAccessKey: 's' };
    const own = new DynamoDBClient({ endpoint: front.endpoint, region: 'us-east-1', credentials: plain });
    await own.send(update);
    expect(next).toEqual(['throttle']);
    own.destroy();
  });
});
