import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { json, leading, said, tenure } from '../leadership/command-line.ts';
import { client, folder } from '../leadership/tenure.ts';

const idle = { deleted: true, logs: 0, jobs: 0, payloads: 0 };

test('a group is deleted once nobody leads it, by the command line and over HTTP', async () => {
  const leader = await leading();
  const group = leader['TENURE_GROUP'] ?? '';
  const url = `${inject('stack').api}/v1/groups/${group}`;
  const request = async (query = '') => {
    const response = await fetch(`${url}${query}`, { method: 'DELETE' });
    return { status: response.status, body: (await response.json()) as object };
  };
  const graph = join(folder(), 'graph');
  writeFileSync(graph, randomBytes(100_000));
  await said(leader, 'job', 'submit', 'nightly', '--graph', graph);
  await said(leader, 'checkpoint', 'add', 'nightly', graph);

  expect(await tenure(leader, 'group', 'delete'), 'without --yes').toMatchObject({ code: 64 });
  expect(await tenure(leader, 'group', 'delete', '--yes')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/"one" leads it, or may for \d+ s more; stop it first\. Nothing was deleted/),
  });
  expect(await request()).toMatchObject({ status: 409, body: { code: 'group_in_use' } });

  await client().revoke(group, { fencingVersion: 1, reason: 'test', force: true });
  expect(await request('?dryRun=true')).toEqual({
    status: 200,
    body: { deleted: false, logs: 0, jobs: 1, payloads: 2 },
  });
  expect(await said(leader, 'group', 'delete', '--dry-run')).toMatch(/would be deleted .*jobs: 1, payloads: 2/);
  expect(await json(leader, 'group', 'delete', '--yes')).toEqual({ group, ...idle, jobs: 1, payloads: 2 });

  expect(await request(), 'repeated').toEqual({ status: 200, body: idle });
  expect(await tenure(leader, 'job', 'ls')).toMatchObject({ code: 1, err: expect.stringMatching(/never been led/) });
  const next = await client().contend(group, { contenderId: 'two', leaseMs: 60_000 });
  expect(next.fencingVersion).toBeGreaterThan(1);
});

test('a group that never existed is not found', async () => {
  const url = `${inject('stack').api}/v1/groups/none-${randomBytes(8).toString('hex')}`;
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(404);
});
