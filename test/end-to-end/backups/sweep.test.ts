import { DescribeExecutionCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, inject, test } from 'vitest';
import { backupTable } from '../../../functions/backups/backup-table.ts';
import { begunBackup } from '../../support/backups/begun-backup.ts';
import { localDocuments } from '../../support/main-table.ts';
import { fireSchedule } from '../../support/stack.ts';
import { newGroup } from '../leadership/tenure.ts';
import { begun, ended, gate, meanwhile, start, taken, when } from './backups.ts';

const stack = inject('stack');
const { region, credentials } = stack;
const workflows = new SFNClient({ endpoint: stack.stepFunctions, region, credentials });

const machine = () => Object.values(stack.stateMachines).find((arn) => /backup/i.test(arn)) ?? '';
const executionOf = (backupId: string) => `${machine().replace(':stateMachine:', ':execution:')}:${backupId}`;

const sweep = () => fireSchedule(stack, /minute/);

test('the execution has the name of its backup; stopped, its backup is settled by the sweep and its worker hears it', async ({
  onTestFinished,
}) => {
  const group = newGroup();
  const held = gate();
  onTestFinished(held.open);
  const at = (moment: string) => moment === 'half' && held.wait();
  const worker = await start({ onTestFinished }, group, 'worker', { at });
  const { backupId } = await begun(group);
  await meanwhile(group, backupId, held.reached);
  const executionArn = executionOf(backupId);
  const { status } = await workflows.send(new DescribeExecutionCommand({ executionArn }));
  expect(status).toBe('RUNNING');
  await workflows.send(new StopExecutionCommand({ executionArn }));
  await sweep();
  const settled = await ended(group, backupId);
  expect(settled.error).toMatchObject({ code: 'workflow_ended', message: expect.stringContaining(backupId) });
  expect(await worker.event('ended')).toMatchObject({ why: 'superseded' });
  await worker.event('resumed');
  held.open();
  expect(await taken(group)).toMatchObject({ state: 'COMPLETED', worker: 'worker', attempt: 1 });
});

test('a backup that was recorded and not started is started by the sweep, by its name', async () => {
  const group = newGroup();
  const record = begunBackup(group, Date.now());
  const { backupId } = record;
  const crashed = await backupTable(localDocuments(stack.dynamodb, stack), stack.table).begin(record);
  expect(crashed).toMatchObject({ kind: 'begun' });
  await sweep();
  expect(await when(group, backupId, ({ state }) => state === 'COMPLETED')).toMatchObject({ worker: 'built-in' });
  const { name } = await workflows.send(new DescribeExecutionCommand({ executionArn: executionOf(backupId) }));
  expect(name).toBe(backupId);
});
