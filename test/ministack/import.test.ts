/** A table of direct mode becomes the main table of a stack, by CloudFormation's import, as docs/direct.md says. */
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { createTable } from '../../client/direct/create-table.ts';
import { tableClient } from '../../client/direct/table-client.ts';
import type { TenureClient } from '../../client/index.ts';
import { blocksOf, readPage } from '../support/docs/markdown.ts';
import { access, importTable } from './deployment.ts';
import { startProductStack } from './stack.ts';

afterEach(() => vi.unstubAllEnvs());

const table = 'my-leases';
const group = 'orders';

test('a leader in direct mode keeps its term while a full stack takes its table over', {
  timeout: 900_000,
}, async () => {
  const page = readPage('docs/direct.md');
  const id = /TenureStoreTable\w+/.exec(page)?.[0] ?? '';
  const resource = JSON.parse(
    blocksOf(page)
      .find(({ language }) => language === 'json')
      ?.lines.join('\n') ?? '',
  );
  let direct: TenureClient | undefined;
  let fence: { fencingVersion: number; sessionId: string } | undefined;

  const stack = await startProductStack(async (endpoint) => {
    vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
    vi.stubEnv('AWS_ACCESS_KEY_ID', access.credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', access.credentials.secretAccessKey);
    await createTable(table, { region: access.region, deletable: true });
    const place = { name: table, endpoint, region: access.region, credentials: async () => access.credentials };
    direct = tableClient({ table: place });
    fence = await direct.contend(group, { contenderId: 'direct', leaseMs: 3_600_000 });
    await direct.confirm(group, fence, { address: 'direct:1' });
    expect(await importTable(endpoint, 'tenure-dev', { id, table, resource: resource.Resources.Leases })).toBe(
      'IMPORT_COMPLETE',
    );
  });
  onTestFinished(() => stack.stop());

  expect([stack.status, stack.reasons]).toEqual(['UPDATE_COMPLETE', []]);
  expect(stack.resources.find((one) => one.id === id)).toMatchObject({ physicalId: table });
  if (!direct || !fence) throw new Error('Nobody leads in direct mode');
  const api = stack.client();
  expect(await api.observe(group, { consistent: true })).toMatchObject({
    fencingVersion: fence.fencingVersion,
    leader: { contenderId: 'direct', address: 'direct:1' },
  });
  // Each transport renews the same term, and refuses the contender of the other.
  await direct.renew(group, fence, { leaseMs: 3_600_000 });
  await api.renew(group, fence, { leaseMs: 3_600_000 });
  await expect(api.contend(group, { contenderId: 'api', leaseMs: 60_000 })).rejects.toMatchObject({
    code: 'leadership_held',
  });
  await direct.resign(group, fence);
  expect(await api.contend(group, { contenderId: 'api', leaseMs: 60_000 })).toMatchObject({
    fencingVersion: fence.fencingVersion + 1,
  });
});
