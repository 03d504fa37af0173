/** The template and what it serves, on an emulator that nobody here wrote and whose callers and roles IAM holds. */
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../../api/catalogue.ts';
import { allCallers } from '../../api/operation.ts';
import { createBackup, getBackup, shareBackup } from '../../api/operations/backups.ts';
import { getRestore, startRestore } from '../../api/operations/restore.ts';
import {
  BackupWorker,
  JobRegistry,
  ReplicatedLog,
  type TenureClient,
  termFromEnvironment,
} from '../../client/index.ts';
import { isOfGroup, type OperationName, operationsOf, resourcesFor } from '../../infra/callers.ts';
import { eventually } from '../end-to-end/leadership/tenure.ts';
import { whenVoting } from '../end-to-end/log/logs.ts';
import { access } from './deployment.ts';
import { type ProductStack, startProductStack } from './stack.ts';

let stack: ProductStack;
let client: TenureClient;
beforeAll(async () => {
  stack = await startProductStack();
  client = stack.client();
}, 300_000);
afterAll(() => stack?.stop());

const group = 'orders';

test('every resource of the template is created', () => {
  expect(stack.reasons).toEqual([]);
  expect(stack.status).toBe('CREATE_COMPLETE');
  const { Resources = {} } = stack.template.template;
  expect(stack.resources.filter(({ status }) => status !== 'CREATE_COMPLETE')).toEqual([]);
  expect(stack.resources.map(({ id }) => id).toSorted()).toEqual(Object.keys(Resources).toSorted());
  expect(stack.resources.length).toBeLessThanOrEqual(230);
});

describe('a user whose policy is the grant', () => {
  const operations = (Object.keys(catalogue) as OperationName[]).filter(isOfGroup);
  /** Opened by the star of another GET; the function then asks for the attempt's secret. */
  const besides: Partial<Record<string, OperationName[]>> = {
    leader: ['attemptEntries'],
    observer: ['attemptEntries'],
  };

  test.for([...allCallers])(
    'of a %s calls its operations in its group, and none in a neighbour',
    { timeout: 120_000 },
    async (caller) => {
      const arn = (resource: string) => `arn:aws:execute-api:us-east-1:000000000000:${stack.api.id}/${resource}`;
      const Resource = resourcesFor(caller, group).map(arn);
      const Statement = [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource }];
      const user = new AwsClient({
        ...(await stack.user(caller, { Version: '2012-10-17', Statement })),
        region: access.region,
        service: 'execute-api',
        retries: 0,
      });
      const admitted = async (name: string) => {
        const open: string[] = [];
        for (const operation of operations) {
          const { method, path } = catalogue[operation];
          const url = `${stack.api.url}${path.replace('{group}', name).replaceAll(/\{\w+\}/g, 'some-name')}`;
          const answer = await user.fetch(url, { method, ...(method !== 'GET' && { body: '{}' }) });
          const text = await answer.text();
          // The gateway's own refusal; a function's has a code.
          if (!(answer.status === 403 && !text.includes('"code"'))) open.push(operation);
        }
        return open.toSorted();
      };
      const own = [...new Set([...operationsOf(caller), ...(besides[caller] ?? [])])].toSorted();
      expect(await admitted(group)).toEqual(own);
      expect(await admitted(`${group}-2`)).toEqual([]);
    },
  );
});

describe('one group, from its first term to its restore', () => {
  let source: string;

  async function ended(backup: string) {
    return eventually('the backup ends', async () => {
      const status = await client.call(getBackup, { params: { group, backup } });
      return ['COMPLETED', 'FAILED'].includes(status.state) && status;
    });
  }

  async function backUp(bypassDelegation: boolean) {
    const begun = await client.call(createBackup, { params: { group }, body: { bypassDelegation } });
    if ('explain' in begun) throw new Error('This was an explanation');
    return ended(begun.backupId);
  }

  test('its leader submits, commits, finishes and recovers jobs, and appends to a log', async () => {
    const fence = await client.contend(group, { contenderId: 'leader', leaseMs: 3_600_000 });
    await client.confirm(group, fence, { address: 'here' });
    const term = termFromEnvironment({
      TENURE_GROUP: group,
      TENURE_SESSION_ID: fence.sessionId,
      TENURE_FENCING_VERSION: `${fence.fencingVersion}`,
    });
    const registry = new JobRegistry({ client, term });
    const checkpoints = await registry.submit('nightly', 'the graph', { retain: 1 });
    expect(await checkpoints.add('one')).toEqual({ checkpointId: 1, retained: [1] });
    expect(await checkpoints.add('two')).toEqual({ checkpointId: 2, retained: [2] });
    await registry.submit('short', 'another graph');
    await registry.finish('short', 'succeeded');
    expect(await registry.show('short')).toMatchObject({ state: 'FINISHED' });
    const log = new ReplicatedLog({ client, group, log: 'journal' });
    await log.create();
    await whenVoting(log, 3);
    await log.writer({ term }).append(['first', 'second']);
    expect((await log.status()).end).toBeGreaterThan(1);
  });

  test('the built-in worker takes a backup', async () => {
    const status = await backUp(true);
    expect(status).toMatchObject({ state: 'COMPLETED', worker: 'built-in' });
    source = status.backupId;
  });

  test('a worker of the client library takes a delegated one', async () => {
    let registered = () => {};
    const isRegistered = new Promise<void>((resolve) => {
      registered = resolve;
    });
    const hooks = {
      suspend: async () => ({}),
      async *snapshot() {
        yield 'an entry of the application';
      },
      onEvent: ({ type }: { readonly type: string }) => type === 'registered' && registered(),
    };
    const worker = new BackupWorker({ client, group, workerId: 'standby', hooks });
    worker.start();
    await isRegistered;
    expect(await backUp(false)).toMatchObject({ state: 'COMPLETED', worker: 'standby', attempt: 1 });
    await worker.close();
  });

  test('the backup is restored into another group', async () => {
    const target = `${group}-restored`;
    await client.call(shareBackup, { params: { group, backup: source }, body: { group: target } });
    const { restoreId } = await client.call(startRestore, { params: { group: target }, body: { backupId: source } });
    const status = await eventually('the restore ends', async () => {
      const now = await client.call(getRestore, { params: { group: target, restore: restoreId } });
      return ['COMPLETED', 'FAILED'].includes(now.state) && now;
    });
    expect(status).toMatchObject({ state: 'COMPLETED', restoredEntries: status.entryCount });
    const entries: string[] = [];
    const log = new ReplicatedLog({ client, group: target, log: 'journal' });
    for await (const { data } of log.read()) entries.push(Buffer.from(data).toString());
    expect(entries).toEqual(['first', 'second']);
  });
});
