import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from 'vitest';
import { createBackup, getBackup } from '../../../api/operations/backups.ts';
import { answerCommand, pollCommands, registerWorker } from '../../../api/operations/workers.ts';
import { BackupWorker } from '../../../client/index.ts';
import { workflowClient } from '../../../functions/backups/attempt/workflow-client.ts';
import { commandKey } from '../../../functions/backups/keys.ts';
import { eventually } from '../../end-to-end/leadership/tenure.ts';
import { alarmState, putBackupFailed } from '../alarms.ts';
import { client, led, newGroup, onAws, stage } from '../stage.ts';

const withinMs = 280_000;

async function begun(group: string): Promise<string> {
  const status = await client().call(createBackup, { params: { group }, body: {} });
  if ('explain' in status) throw new Error('This was an explanation');
  return status.backupId;
}

function ended(group: string, backup: string) {
  return eventually(
    `backup ${backup} ends`,
    async () => {
      const status = await client().call(getBackup, { params: { group, backup } });
      return ['COMPLETED', 'FAILED'].includes(status.state) && status;
    },
    withinMs,
  );
}

test('a task token after its timeout finds nobody who waits, and its worker is told', {
  timeout: 420_000,
}, async () => {
  const [group, worker] = [newGroup(), 'late'];
  await led(group);
  const params = { group, worker };
  await client().call(registerWorker, { params, body: { host: 'here' } });
  const backupId = await begun(group);
  const asked = await eventually('the worker is asked', async () => {
    const { commands } = await client().call(pollCommands, { params, query: {} });
    return commands.find((one) => one.type === 'suspend' && one.backupId === backupId);
  });
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient({ region: stage.region }));
  const Key = commandKey(group, worker, asked.commandId);
  const TableName = stage.outputs['TableName'];
  const { Item } = await documents.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
  documents.destroy();
  const token = Item?.['posted'].taskToken;
  expect(token).toEqual(expect.any(String));

  // It says nothing until the answer timeout is over, and there is no other.
  const status = await ended(group, backupId);
  expect(status).toMatchObject({ state: 'FAILED', refusals: [{ worker }] });
  const states = new SFNClient({ region: stage.region });
  const { succeed, fail, heartbeat } = workflowClient(states, '');
  expect(await succeed(token, {})).toBe(false);
  expect(await fail(token, 'Refused', 'too late')).toBe(false);
  expect(await heartbeat(token)).toBe(false);
  states.destroy();
  const late = client().call(answerCommand, {
    params: { ...params, command: asked.commandId },
    body: { accepted: true },
  });
  await expect(late).rejects.toMatchObject({ code: 'not_found' });
});

test('a backup that fails raises its alarm', { timeout: 600_000 }, async () => {
  const group = newGroup();
  await led(group);
  const alarm = 'tenure-test-aws-backup-failed';
  expect(await alarmState(stage.region, alarm)).not.toBe('ALARM');
  let registered = () => {};
  const isRegistered = new Promise<void>((resolve) => {
    registered = resolve;
  });
  const hooks = {
    // biome-ignore lint/correctness/useYield: it fails before its first entry.
    async *snapshot(): AsyncGenerator<string> {
      throw new Error('The application cannot be read');
    },
    onEvent: ({ type }: { readonly type: string }) => type === 'registered' && registered(),
  };
  const worker = new BackupWorker({ client: client(), group, workerId: 'failing', hooks });
  worker.start();
  await isRegistered;
  expect(await ended(group, await begun(group))).toMatchObject({ state: 'FAILED', worker: 'failing' });
  await worker.close();
  // MiniStack takes no metrics out of logs: there the test puts what the function has printed.
  if (!onAws) await putBackupFailed(stage.region);
  await eventually('the alarm goes off', async () => (await alarmState(stage.region, alarm)) === 'ALARM', withinMs);
});
