import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { catalogue } from '../../../api/catalogue.ts';
import { submitJob } from '../../../api/operations/jobs.ts';
import { contend, observe, renew } from '../../../api/operations/leadership.ts';
import { tableCarrier } from '../../../client/direct/table-carrier.ts';
import { tableClient } from '../../../client/direct/table-client.ts';
import type { TenureError } from '../../../client/tenure-error.ts';
import { systemTime } from '../../../client/time.ts';
import { leadershipOperations } from '../../../leadership/operations.ts';
import { injectFaults } from '../../support/faults.ts';
import { createMainTable, localDynamoDb } from '../../support/main-table.ts';
import { type Call, operationsContract } from './operations-contract.ts';
import { openRoom } from './room.ts';

let it: Awaited<ReturnType<typeof openRoom>>;
beforeEach(async () => {
  it = await openRoom();
});

/** A path's operation and parameters, as the API's router finds them. */
function found(method: string, path: string) {
  for (const operation of Object.values(catalogue)) {
    const pattern = new RegExp(`^${operation.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const params = operation.method === method && pattern.exec(path);
    if (params) return { operation, params: { ...params.groups } };
  }
  throw new Error(`No operation ${method} ${path}`);
}

/** The calls of the contract, carried out on the table. */
const call: Call = async (method, address, body, headers = {}) => {
  const [path = '', search] = address.split('?');
  const { operation, params } = found(method, path);
  const carrier = tableCarrier(it.table, systemTime, async () => ({
    performed: leadershipOperations(it.room, it.groups),
    within: (_, act) => act(),
    prepareResignation: () => Promise.reject(new Error('Not prepared here')),
  }));
  const {
    'Fencing-Version': version,
    'Leader-Session': sessionId = '',
    'Idempotency-Key': key = randomUUID(),
  } = headers;
  const fence = version === undefined ? undefined : { fencingVersion: Number(version), sessionId };
  const query = Object.fromEntries(new URLSearchParams(search));
  try {
    const send = carrier.begin(operation, { params, query, body, fence, idempotencyKey: key });
    return { status: 200, headers: new Headers(), body: await send(10_000) };
  } catch (error) {
    const { code, status, retryable, retryAfterMs, message, members } = error as TenureError;
    return { status, headers: new Headers(), body: { ...members, code, retryable, retryAfterMs, detail: message } };
  }
};

describe('on the table itself', () => {
  operationsContract(
    {
      get clock() {
        return it.clock;
      },
    },
    call,
  );
});

describe('a client of a table', () => {
  const group = 'orders';
  async function opened(more: object = {}) {
    const table = await createMainTable(inject('dynamodb'));
    const dynamodb = localDynamoDb(inject('dynamodb'));
    const faults = injectFaults(dynamodb);
    return { table, faults, client: tableClient({ table: { name: table, dynamodb, ...more } }) };
  }
  const leaseMs = 60_000;

  test('renews with one request and one write unit, looks with half a read unit', async () => {
    const { client, faults } = await opened();
    const term = await client.contend(group, { contenderId: 'a', leaseMs });
    await client.confirm(group, term, { address: 'host:1', metadata: { zone: 'a' } });
    const cost = async (act: () => Promise<unknown>) => {
      const from = faults.sent.length;
      await act();
      return faults.sent.slice(from).map(({ command, capacity }) => [command, capacity]);
    };
    const published = { address: 'host:1', metadata: { zone: 'a' } };
    expect(await cost(() => client.renew(group, term, { leaseMs, ...published }))).toEqual([['UpdateItemCommand', 1]]);
    expect(await cost(() => client.observe(group))).toEqual([['GetItemCommand', 0.5]]);
    expect(await cost(() => client.resign(group, term))).toEqual([['UpdateItemCommand', 1]]);
  });

  test('takes a lost answer of its own request for a success, and grants one version', async () => {
    const { client, faults } = await opened();
    faults.once('answer lost', 'TransactWriteItemsCommand');
    const term = await client.contend(group, { contenderId: 'a', instanceId: 'p', leaseMs });
    faults.once('answer lost', 'UpdateItemCommand');
    await client.resign(group, term, { stayOut: false });
    faults.once('answer lost', 'UpdateItemCommand');
    expect(await client.contend(group, { contenderId: 'b', leaseMs })).toMatchObject({ fencingVersion: 2 });
  });

  test('refuses a key that comes back with another request, as the API does', async () => {
    const { client } = await opened();
    const idempotencyKey = randomUUID();
    await client.contend(group, { contenderId: 'a', leaseMs }, { idempotencyKey });
    const again = client.contend(group, { contenderId: 'b', leaseMs }, { idempotencyKey });
    await expect(again).rejects.toMatchObject({ code: 'idempotency_key_reused', status: 422 });
  });

  test('checks a request before anything is sent, with the words of the API', async () => {
    const { client, faults } = await opened();
    const refused = client.contend(group, { contenderId: '../a' });
    await expect(refused).rejects.toMatchObject({
      code: 'invalid_request',
      members: { issues: [{ path: 'contenderId' }] },
    });
    const short = client.call(contend, { params: { group }, body: { contenderId: 'a', leaseMs: 400 + 100 } });
    await expect(short).rejects.toMatchObject({ code: 'invalid_request' });
    const unfenced = client.call(renew, { params: { group }, body: {} } as never);
    await expect(unfenced).rejects.toMatchObject({ code: 'fence_required', status: 428 });
    expect(faults.sent).toEqual([]);
  });

  test('names the table that does not exist, and the command that creates it', async () => {
    const { client } = await opened({ name: 'no-such-table' });
    await expect(client.observe(group)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('tenure table create no-such-table'),
    });
  });

  test('says that a call got no answer in time, and sends nothing after it', async () => {
    const { client, faults } = await opened();
    faults.plan = () => 'request lost';
    const late = client.call(observe, { params: { group }, query: {}, timeoutMs: 150, retry: false });
    await expect(late).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    const closed = tableClient({ table: { name: 'x', endpoint: 'http://127.0.0.1:9', region: 'us-east-1' } });
    const options = { retry: false, timeoutMs: 5_000 };
    await expect(closed.observe(group, options)).rejects.toMatchObject({ code: 'unreachable' });
  });

  test('refuses what needs the API, and names the table', async () => {
    const { client, table } = await opened();
    const body = { graph: { inline: '' } };
    const job = client.call(submitJob, {
      params: { group, job: 'j' },
      body,
      fence: { fencingVersion: 1, sessionId: randomUUID() },
    } as never);
    await expect(job).rejects.toMatchObject({ code: 'not_supported', message: expect.stringContaining(table) });
  });

  test('prepares a resignation that another process sends with fetch alone', async () => {
    const { client } = await opened();
    const term = await client.contend(group, { contenderId: 'a', instanceId: 'p', leaseMs });
    const { url, ...request } = await client.prepare(catalogue.resign, { params: { group }, fence: term });
    // As it reaches the other process.
    const passedOn = JSON.parse(JSON.stringify(request)) as RequestInit;
    expect((await fetch(url, passedOn)).status).toBe(200);
    const renewal = client.renew(group, term, { leaseMs });
    await expect(renewal).rejects.toMatchObject({ code: 'leadership_lost', members: { reason: 'resigned' } });
  });
});
