import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { tableClient } from '../../../client/direct/table-client.ts';
import { createMainTable, localDynamoDb } from '../../support/main-table.ts';
import { type Watched, watch } from '../../support/processes.ts';
import { project } from '../../support/stack.ts';

const binary = join(project, 'cli/tenure.mjs');

/** `tenure …` on the local DynamoDB; no API exists. */
function tenure(...argv: string[]): Watched {
  const env = {
    ...process.env,
    TENURE_URL: '',
    AWS_ENDPOINT_URL_DYNAMODB: inject('dynamodb'),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  };
  const watched = watch(process.execPath, [binary, ...argv], { cwd: project, env });
  onTestFinished(() => void watched.child.kill('SIGKILL'));
  return watched;
}

test('tenure lead --table runs a command for its term, whose own calls reach the table; kill -9 frees the lease', async () => {
  const table = await createMainTable(inject('dynamodb'));
  const client = tableClient({ table: { name: table, dynamodb: localDynamoDb(inject('dynamodb')) } });
  const script = 'echo "version $TENURE_FENCING_VERSION of $TENURE_TABLE$TENURE_URL"; exec sleep 600';
  const lead = tenure(
    'lead',
    '--table',
    table,
    '--group',
    'orders',
    '--id',
    'a',
    '--lease',
    '60s',
    '--',
    'sh',
    '-c',
    script,
  );
  await lead.says(`version 1 of ${table}`);
  await lead.says('confirmed: shown as the leader');

  const show = tenure('leader', 'show', '--table', table, '--group', 'orders', '--json');
  expect(await show.ended()).toBe(0);
  expect(JSON.parse(show.output())).toMatchObject({ fencingVersion: 1, leader: { contenderId: 'a' } });

  lead.child.kill('SIGKILL');
  await lead.ended();
  const freed = async () => (await client.observe('orders', { consistent: true })).leader === null;
  while (!(await freed())) await new Promise((resolve) => setTimeout(resolve, 50));
  const next = await client.contend('orders', { contenderId: 'b', leaseMs: 60_000 });
  expect(next.fencingVersion).toBe(2);
});

test('tenure lock --table runs its command with a version that rises, and refuses a second holder', async () => {
  const table = await createMainTable(inject('dynamodb'));
  const lock = (...argv: string[]) => tenure('lock', 'migrations', '--table', table, '--lease', '60s', ...argv);
  const script = 'echo "version $TENURE_FENCING_VERSION of $TENURE_TABLE$TENURE_URL"; exec sleep 600';
  const holder = lock('--', 'sh', '-c', script);
  await holder.says(`version 1 of ${table}\n`);
  const refused = lock('--no-wait', '--', 'true');
  expect(await refused.ended(), refused.output()).toBe(75);
  expect(refused.output()).toContain('leads migrations with fencing version 1');
  holder.child.kill('SIGTERM');
  expect(await holder.ended(), holder.output()).toBe(143);
  const next = lock('--no-wait', '--', 'sh', '-c', 'echo "version $TENURE_FENCING_VERSION"; exit 7');
  expect(await next.ended(), next.output()).toBe(7);
  expect(next.output()).toContain('version 2\n');
});
