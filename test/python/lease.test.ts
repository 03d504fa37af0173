import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { tableClient } from '../../client/direct/table-client.ts';
import { LeaderElector } from '../../client/leadership/elector.ts';
import { createMainTable, localDynamoDb } from '../support/main-table.ts';
import { project } from '../support/stack.ts';

const program = join(project, 'examples/python/tenure_lease.py');

/** Runs Python on the local table; resolves with what it prints, and fails with what it says when it fails. */
async function python(...argv: readonly string[]): Promise<string> {
  const child = spawn('python3', argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      AWS_ENDPOINT_URL_DYNAMODB: inject('dynamodb'),
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => (said.out += text));
  child.stderr.on('data', (text) => (said.err += text));
  const [code] = await once(child, 'close');
  expect(said.err).toBe('');
  expect(code).toBe(0);
  return said.out;
}

test('the reference implementation agrees with every vector, and so does DynamoDB', async () => {
  const table = await createMainTable(inject('dynamodb'));
  const vectors = join(project, 'test/vectors/leadership.json');
  const { cases } = JSON.parse(readFileSync(vectors, 'utf8')) as { cases: { request: { kind: string } }[] };
  const steps = cases.filter(({ request }) => !['expire', 'close'].includes(request.kind));
  expect(await python(join(project, 'test/python/check_vectors.py'), vectors, table)).toBe(`${steps.length} cases\n`);
});

test('a leader in Python writes its damaged holder back, and others see it and its named addresses', async () => {
  const endpoint = inject('dynamodb');
  const table = await createMainTable(endpoint);
  expect(await python(join(project, 'test/python/damaged_record.py'), table, 'orders')).toBe('1\n');
  const client = tableClient({ table: { name: table, dynamodb: localDynamoDb(endpoint) } });
  const { leader, addresses, fencingVersion } = await client.observe('orders', { consistent: true });
  expect(leader).toMatchObject({ contenderId: 'in-python', address: 'host:1' });
  expect(fencingVersion).toBe(1);
  expect(addresses).toEqual({ rpc: 'host:1/rpc' });
});

test('contenders in Python and TypeScript lead one after the other, each once, in one race', async () => {
  const endpoint = inject('dynamodb');
  const table = await createMainTable(endpoint);
  const folder = mkdtempSync(join(tmpdir(), 'tenure-race-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const notes = join(folder, 'notes');
  writeFileSync(notes, '');
  const note = `echo "begin $TENURE_FENCING_VERSION" >>${notes}; sleep 0.1; echo "end $TENURE_FENCING_VERSION" >>${notes}`;
  const inPython = Array.from({ length: 3 }, () =>
    python(program, table, 'orders', '--lease-ms', '60000', '--poll-ms', '50', '--', 'sh', '-c', note),
  );
  const inTypeScript = Array.from({ length: 3 }, async () => {
    let led = () => {};
    const done = new Promise<void>((resolve) => {
      led = resolve;
    });
    const elector = new LeaderElector({
      client: tableClient({ table: { name: table, dynamodb: localDynamoDb(endpoint) } }),
      group: 'orders',
      leaseMs: 60_000,
      handoverPollMs: 50,
      contendAgain: false,
      lead: async ({ fencingVersion }) => {
        appendFileSync(notes, `begin ${fencingVersion}\n`);
        await new Promise((resolve) => setTimeout(resolve, 50));
        appendFileSync(notes, `end ${fencingVersion}\n`);
        led();
      },
      onError: (error) => expect.fail(String(error)),
    });
    elector.start();
    await done;
    await elector.close();
  });
  await Promise.all([...inPython, ...inTypeScript]);
  const turns = [1, 2, 3, 4, 5, 6].flatMap((version) => [`begin ${version}`, `end ${version}`]);
  expect(readFileSync(notes, 'utf8').trim().split('\n')).toEqual(turns);
});
