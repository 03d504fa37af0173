import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Deployment } from '../../../emulator/cloudformation/assembly/deployment.ts';
import { schedulesOf } from '../../../emulator/eventbridge/schedules/schedules.ts';
import { targetsOf } from '../../../emulator/eventbridge/targets.ts';
import { PermissionGuard } from '../../../emulator/iam/guard.ts';
import { grantsOf } from '../../../emulator/iam/roles.ts';
import type { FunctionHost } from '../../../emulator/lambda/host.ts';

const statement = (Action: string, resource: string) => ({
  PolicyDocument: { Statement: [{ Effect: 'Allow', Action, Resource: { 'Fn::GetAtt': [resource, 'Arn'] } }] },
});
const role = (...Policies: object[]) => ({ Type: 'AWS::IAM::Role', Properties: { Policies } });
const arnOf = (resource: string) => ({ 'Fn::GetAtt': [resource, 'Arn'] });

/** A schedule that may invoke one of two functions, and a machine that may invoke the other. */
const template = {
  Resources: {
    Minute: { Type: 'AWS::Lambda::Function', Properties: { Role: arnOf('FunctionRole') } },
    Other: { Type: 'AWS::Lambda::Function', Properties: { Role: arnOf('FunctionRole') } },
    Failures: { Type: 'AWS::SQS::Queue', Properties: {} },
    Machine: { Type: 'AWS::StepFunctions::StateMachine', Properties: { RoleArn: arnOf('MachineRole') } },
    Schedule: {
      Type: 'AWS::Scheduler::Schedule',
      Properties: {
        ScheduleExpression: 'rate(1 minute)',
        Target: { Arn: arnOf('Other'), RoleArn: arnOf('ScheduleRole') },
      },
    },
    FunctionRole: role(),
    MachineRole: role(statement('lambda:InvokeFunction', 'Other')),
    ScheduleRole: role(),
    SchedulePolicy: {
      Type: 'AWS::IAM::Policy',
      Properties: { Roles: [{ Ref: 'ScheduleRole' }], ...statement('lambda:InvokeFunction', 'Minute') },
    },
  },
};
const deployment = new Deployment([
  { name: 'app', account: '000000000000', region: 'us-east-1', template, assets: new Map() },
]);

test('functions, state machines and schedules have the rights of their roles, inline or attached', () => {
  expect(Object.fromEntries(grantsOf(deployment))).toEqual({
    'app-Minute': [],
    'app-Other': [],
    'stateMachine:app-Machine': [{ action: 'lambda:InvokeFunction', resource: 'function:app-Other' }],
    'schedule/default/app-Schedule': [{ action: 'lambda:InvokeFunction', resource: 'function:app-Minute' }],
  });
});

test('a schedule whose role does not allow its target, and a function without a right on its queue, send nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenure-targets-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const permissions = new PermissionGuard(grantsOf(deployment));
  const reports: string[] = [];
  const invoked: string[] = [];
  const functions = {
    invoke: async (arn: string) => {
      invoked.push(arn);
      return { requestId: 'r', payload: 'null' };
    },
  };
  const targets = targetsOf(deployment, {
    functions: functions as unknown as FunctionHost,
    stepFunctions: {} as SFNClient,
    folder,
    permissions,
    report: (line) => reports.push(line),
  });
  onTestFinished(() => targets.asynchronous.stop());
  const queue = 'arn:aws:sqs:us-east-1:000000000000:app-Failures';

  const [schedule] = schedulesOf(deployment, targets.send, 0);
  schedule?.fire(new Date());
  targets.send(queue, 'refused', 'app-Minute');
  targets.send(queue, 'by a rule, which the queue itself allows');
  await vi.waitFor(async () => expect(await readFile(join(folder, 'queues/app-Failures.ndjson'), 'utf8')).toBeTruthy());
  expect([...permissions.refusals]).toEqual([
    'schedule/default/app-Schedule is not allowed lambda:InvokeFunction on function:app-Other',
    'app-Minute is not allowed sqs:SendMessage on app-Failures',
  ]);
  expect(reports).toHaveLength(2);
  expect(invoked).toEqual([]);
  expect(await readFile(join(folder, 'queues/app-Failures.ndjson'), 'utf8')).not.toContain('refused');
});
