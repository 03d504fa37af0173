import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { replicaDefinition, tableDefinition } from '../../../client/direct/table-definition.ts';
import { recordedShell } from '../../support/shell.ts';

const arn = 'arn:aws:dynamodb:eu-west-1:123456789012:table/my-leases';

/** DynamoDB as far as a table is concerned; notes each request's action and input. */
async function dynamoDb(exists = false) {
  const seen: [string, Record<string, unknown>][] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    seen.push([action, JSON.parse(body)]);
    const refused = exists && action === 'CreateTable';
    const answer = refused
      ? { __type: 'com.amazonaws.dynamodb.v20120810#ResourceInUseException', message: 'Table already exists' }
      : { TableDescription: { TableArn: arn }, Table: { TableStatus: 'ACTIVE' } };
    response.writeHead(refused ? 400 : 200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    server.close();
  });
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  return seen;
}

async function tenure(...argv: string[]) {
  const { shell, out, err } = recordedShell();
  return { code: await runCli(argv, shell), out: out(), err: err() };
}

test('tenure table create makes the table, waits for it and protects it', async () => {
  const seen = await dynamoDb();
  const { code, out, err } = await tenure('table', 'create', 'my-leases', '--region', 'eu-west-1', '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toEqual({ table: 'my-leases', arn, deletionProtection: true });
  expect(seen).toEqual([
    ['CreateTable', { ...tableDefinition('my-leases'), DeletionProtectionEnabled: true }],
    ['DescribeTable', { TableName: 'my-leases' }],
    ['UpdateTimeToLive', { TableName: 'my-leases', TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true } }],
    [
      'UpdateContinuousBackups',
      { TableName: 'my-leases', PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } },
    ],
  ]);
});

test('a table that exists is not touched, and the message says how to use it', async () => {
  const seen = await dynamoDb(true);
  const { code, err } = await tenure('table', 'create', 'my-leases', '--region', 'eu-west-1');
  expect(code).toBe(64);
  expect(err).toContain('The table my-leases exists already: use it with --table my-leases');
  expect(seen.map(([action]) => action)).toEqual(['CreateTable']);
});

test('a table of replicas has neither an index nor a time to live', async () => {
  const seen = await dynamoDb();
  expect(await tenure('table', 'create', 'my-log-1', '--replica', '--region', 'eu-west-1')).toMatchObject({ code: 0 });
  expect(seen.map(([action]) => action)).toEqual(['CreateTable', 'DescribeTable', 'UpdateContinuousBackups']);
  expect(seen[0]?.[1]).toEqual({ ...replicaDefinition('my-log-1'), DeletionProtectionEnabled: true });
  expect(seen[0]?.[1]).not.toHaveProperty('GlobalSecondaryIndexes');
});

test('the policy on a table of replicas names the logs of the groups, and no other group that begins alike', async () => {
  const { out } = await tenure('table', 'policy', 'my-log-1', '--replica', '-g', 'orders', '-g', 'team-*');
  const [items, age] = JSON.parse(out).Statement;
  expect(items.Condition['ForAllValues:StringLike']).toEqual({
    'dynamodb:LeadingKeys': ['LOG#orders#*', 'LOG#team-*'],
  });
  expect(items.Action).not.toContain('dynamodb:Scan');
  expect(age.Action).toEqual(['dynamodb:DescribeTable']);
});
