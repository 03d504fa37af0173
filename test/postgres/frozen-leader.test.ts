import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { createMainTable } from '../support/main-table.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { watch } from '../support/processes.ts';
import { project } from '../support/stack.ts';

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

test('a leader in direct mode that was frozen with SIGSTOP is refused by PostgreSQL when it thaws', async () => {
  const table = await createMainTable(inject('dynamodb'));
  const { host, port, user, database } = server.options;
  const env = {
    ...process.env,
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
    AWS_ENDPOINT_URL_DYNAMODB: inject('dynamodb'),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  };
  const argv = ['--import', 'tsx', 'examples/frozen-leader/frozen-leader.ts', table];
  const start = () => {
    const process_ = watch(process.execPath, argv, { cwd: project, env });
    onTestFinished(() => void process_.child.kill('SIGKILL'));
    return process_;
  };
  const first = start();
  await first.says('written by 1');
  first.child.kill('SIGSTOP');
  const second = start();
  await second.says('written by 2');
  first.child.kill('SIGCONT');
  await first.says('refused: Fencing version 2 owns "orders"; yours is 1.');
  await first.says('term 1 is over');

  const client = new Client(server.options);
  await client.connect();
  const { rows } = await client.query('SELECT written_by FROM counter');
  await client.end();
  expect(rows).toEqual([{ written_by: 2 }]);
  expect(first.output()).not.toContain('written by 2');
  expect(second.output()).not.toContain('refused');
});
