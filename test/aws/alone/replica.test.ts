import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { recoverReplica } from '../../../api/operations/log-replicas.ts';
import { defaultCredentials } from '../../../client/aws.ts';
import { eventually } from '../../end-to-end/leadership/tenure.ts';
import { functionNamed } from '../functions.ts';
import { whileDenied } from '../iam.ts';
import { client, countEntries, foundedLog, led, newGroup, onAws, stage } from '../stage.ts';

const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const });

/** Deletes the table, and makes it again with the keys of a replica: everything on it is lost. */
async function recreate(TableName: string): Promise<void> {
  const dynamodb = new DynamoDBClient({ region: stage.region });
  const waiting = { client: dynamodb, minDelay: 1, maxDelay: 5, maxWaitTime: 180 };
  await dynamodb.send(new DeleteTableCommand({ TableName }));
  await waitUntilTableNotExists(waiting, { TableName });
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [text('pk'), text('sk')],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      Tags: [{ Key: 'tenure:stage', Value: 'test-aws' }],
    }),
  );
  await waitUntilTableExists(waiting, { TableName });
  dynamodb.destroy();
}

test('a log outlives a replica that is denied, and then lost and made again', { timeout: 900_000 }, async () => {
  const group = newGroup();
  const { log, writer } = await foundedLog(group, await led(group));
  await writer.append(['before']);
  const functions = await Promise.all(['log', 'logsweep', 'recover'].map((name) => functionNamed(stage.region, name)));
  const table = functions[0]?.environment['TENURE_REPLICA_TABLES']?.split(',')[2] ?? '';
  const lagging = async () => (await log.status()).replicas.find(({ waitsFor }) => waitsFor !== undefined);

  const denial = {
    roles: functions.map(({ role }) => role),
    actions: ['dynamodb:*'],
    resource: `arn:aws:dynamodb:${stage.region}:*:table/${table}`,
  };
  await whileDenied(await (await defaultCredentials())(), denial, async () => {
    // A change of a policy takes a while; each append meanwhile must succeed, with the other two replicas.
    await eventually('one replica does not answer', async () => {
      await writer.append(['meanwhile']);
      return lagging();
    });
    for (let at = 0; at < 5; at += 1) await writer.append([`denied ${at}`]);
  });

  await recreate(table);
  const appended = await countEntries(log);
  expect(appended).toBeGreaterThanOrEqual(7);
  // The minute's sweep notices the new table and has it recovered; MiniStack does not call it.
  const replica = { group, log: 'journal', replica: '3' };
  if (!onAws) await client().call(recoverReplica, { params: replica, body: {} });
  await eventually('all three vote', async () => (await log.status()).voting === 3, 420_000);
  await eventually('none lags', async () => !(await lagging()), 120_000);
  await writer.append(['afterwards']);
  expect(await countEntries(log)).toBe(appended + 1);
  expect(await client().observe(group, { consistent: true })).toMatchObject({ pending: false });
});
