import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackup, getBackup } from '../../../api/operations/backups.ts';
import { listWorkers } from '../../../api/operations/workers.ts';
import { TenureClient } from '../../../client/index.ts';
import { sizes } from '../../sizes.ts';
import { type RunningStack, startStack } from '../../support/stack.ts';
import { eventually } from '../leadership/tenure.ts';
import { KeyedWrites, send, writes } from '../stack/keyed-writes.ts';
import { gate } from './backups.ts';
import { moments, standby } from './standby.ts';

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack();
}, 180_000);
afterAll(() => stack?.stop());

test.for(sizes.full ? moments : (['half'] as const))(
  'the whole service is killed while the worker is at "%s": its backup continues once the service is back',
  { timeout: 240_000 },
  async (moment, { onTestFinished }) => {
    const params = { group: `orders-${randomUUID().slice(0, 8)}` };
    const client = new TenureClient({ url: stack.api });
    const held = gate();
    const at = (reached: string) => reached === moment && held.wait();
    const worker = standby({ url: stack.api, group: params.group, workerId: 'worker', at });
    worker.start();
    onTestFinished(async () => {
      held.open();
      await worker.close();
    });
    await eventually('the worker is present', async () =>
      (await client.call(listWorkers, { params })).items.some(({ present }) => present),
    );
    const begun = await client.call(createBackup, { params, body: {} });
    if (!('backupId' in begun)) throw new Error(JSON.stringify(begun));
    await held.reached;
    await stack.kill();
    await stack.restart();
    held.open();
    const ended = await eventually('the backup has ended', async () => {
      const status = await client.call(getBackup, { params: { ...params, backup: begun.backupId } });
      return ['COMPLETED', 'FAILED'].includes(status.state) && status;
    });
    expect(ended).toMatchObject({ state: 'COMPLETED', worker: 'worker', attempt: 1, refusals: [] });
  },
);

test('the service that comes back refuses the key of each operation with another request', {
  timeout: 240_000,
}, async () => {
  const keyed = new KeyedWrites(stack.api);
  await Promise.all([keyed.leadership(), keyed.jobs(), keyed.log(), keyed.workers(), keyed.backups()]);
  expect(keyed.sent.map(({ name }) => name).toSorted(), 'an operation that writes needs a case').toEqual(
    writes.toSorted(),
  );
  await stack.kill();
  await stack.restart();
  const answers = async (repeated: typeof keyed.sent) =>
    Promise.all(
      repeated.map(async (request) => {
        const { status, body } = await send(stack.api, request);
        return `${request.name}: ${status} ${body.code}`;
      }),
    );
  const reused = keyed.sent.map(({ name }) => `${name}: 422 idempotency_key_reused`);
  expect(await answers(keyed.sent.map((first) => ({ ...first, ...first.another })))).toEqual(reused);
  const retried = await answers(keyed.sent);
  expect(
    retried.filter((answer) => reused.includes(answer)),
    'retries',
  ).toEqual([]);
});
