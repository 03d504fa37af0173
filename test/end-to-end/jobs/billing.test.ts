import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, inject, onTestFinished, test } from 'vitest';
import { fenceGuard, memoryFenceStore } from '../../../client/fence/index.ts';
import { ReplicatedLog } from '../../../client/index.ts';
import { watch } from '../../support/processes.ts';
import { project } from '../../support/stack.ts';
import { client, newGroup } from '../leadership/tenure.ts';

const howMany = 12;

/** The service that sends invoices, and refuses a deposed leader. */
async function billing() {
  const sent: { number: number; version: number }[] = [];
  const guard = fenceGuard({ store: memoryFenceStore(), name: 'invoices' });
  const server = createServer(async ({ headers, url = '' }, response) => {
    const version = String(headers['fencing-version'] ?? '');
    const refusal = await guard(version, url);
    if (!refusal) sent.push({ number: Number(url.split('/').at(-1)), version: Number(version) });
    response.writeHead(refusal ? 409 : 200).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return { sent, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('elector, job, log and fence together send every invoice, whichever process is killed', async () => {
  const group = newGroup();
  const { sent, url } = await billing();
  const start = () => {
    const env = { ...process.env, TENURE_URL: inject('stack').api, BILLING_URL: url };
    const argv = ['--import', 'tsx', 'examples/billing/billing.ts', group, `${howMany}`];
    const program = watch(process.execPath, argv, { cwd: project, env });
    onTestFinished(() => void program.child.kill('SIGKILL'));
    return program;
  };
  const first = start();
  await first.says('term 1: sent invoice 3');
  first.child.kill('SIGKILL');
  const second = start();
  await second.says('done');
  expect(await second.ended()).toBe(0);

  const versions = sent.map(({ version }) => version);
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
  expect(new Set(sent.map(({ number }) => number))).toEqual(
    new Set(Array.from({ length: howMany }, (_, index) => index + 1)),
  );
  const entries: number[] = [];
  for await (const { data } of new ReplicatedLog({ client: client(), group, log: 'sent' }).read()) {
    entries.push(Number(Buffer.from(data)));
  }
  expect([...new Set(entries)]).toEqual(Array.from({ length: howMany }, (_, index) => index + 1));
});
