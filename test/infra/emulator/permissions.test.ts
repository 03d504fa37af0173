import { describe, expect, test } from 'vitest';
import { AccessDeniedError, PermissionGuard } from '../../../emulator/iam/guard.ts';
import { needsOfDynamoDb, needsOfS3, needsOfStepFunctions, needsOfTarget } from '../../../emulator/iam/needs.ts';
import { covers } from '../../../emulator/iam/roles.ts';

describe('needs of a request', () => {
  test.each([
    ['GetItem', { TableName: 't' }, ['dynamodb:GetItem table/t']],
    ['Query', { TableName: 't', IndexName: 'i' }, ['dynamodb:Query table/t/index/i']],
    [
      'BatchGetItem',
      { RequestItems: { a: {}, b: {} } },
      ['dynamodb:BatchGetItem table/a', 'dynamodb:BatchGetItem table/b'],
    ],
    [
      'TransactWriteItems',
      {
        TransactItems: [
          { Put: { TableName: 'a' } },
          { ConditionCheck: { TableName: 'b' } },
          { Delete: { TableName: 'a' } },
        ],
      },
      ['dynamodb:PutItem table/a', 'dynamodb:ConditionCheckItem table/b', 'dynamodb:DeleteItem table/a'],
    ],
    ['ListTables', {}, ['dynamodb:ListTables *']],
  ])('%s of DynamoDB', (operation, body, needs) => {
    expect(needsOfDynamoDb(operation, body).map(({ action, resource }) => `${action} ${resource}`)).toEqual(needs);
  });

  test.each([
    ['HeadBucket', '', 's3:ListBucket b'],
    ['HeadObject', 'k/1', 's3:GetObject b/k/1'],
    ['UploadPart', 'k/1', 's3:PutObject b/k/1'],
    ['DeleteObjects', '', 's3:DeleteObject b/*'],
  ])('%s of S3', (operation, key, need) => {
    expect(needsOfS3({ operation, bucket: 'b', key }).map(({ action, resource }) => `${action} ${resource}`)).toEqual([
      need,
    ]);
  });
});

describe('needs of calls to other services', () => {
  test('a copy reads its source as well', () => {
    const copy = { operation: 'CopyObject', bucket: 'b', key: 'to', copySource: 'other/from' };
    expect(needsOfS3(copy)).toEqual([
      { action: 's3:PutObject', resource: 'b/to' },
      { action: 's3:GetObject', resource: 'other/from' },
    ]);
  });

  const arn = 'arn:aws:states:us-east-1:000000000000:';
  test.each<[string, Record<string, unknown>, string]>([
    ['StartExecution', { stateMachineArn: `${arn}stateMachine:m` }, 'stateMachine:m'],
    ['ListExecutions', { stateMachineArn: `${arn}stateMachine:m` }, 'stateMachine:m'],
    ['StopExecution', { executionArn: `${arn}execution:m:e` }, 'execution:m:e'],
    ['SendTaskSuccess', { taskToken: 'token' }, 'stateMachine:m'],
  ])('%s', (operation, input, resource) => {
    const machineOf = (token: string) => (token === 'token' ? `${arn}stateMachine:m` : undefined);
    expect(needsOfStepFunctions(operation, input, machineOf)).toEqual([{ action: `states:${operation}`, resource }]);
  });
});

test.each([
  ['lambda:us-east-1:000000000000:function:f:live', '{}', 'lambda:InvokeFunction function:f'],
  ['states:us-east-1:000000000000:stateMachine:m', '{}', 'states:StartExecution stateMachine:m'],
  [
    'scheduler:::aws-sdk:sfn:startExecution',
    '{"StateMachineArn":"arn:aws:states:us-east-1:000000000000:stateMachine:m"}',
    'states:StartExecution stateMachine:m',
  ],
  ['sqs:us-east-1:000000000000:q', '{}', 'sqs:SendMessage q'],
  ['events:us-east-1:000000000000:event-bus/b', '{}', 'events:PutEvents event-bus/b'],
])('needs of sending to %s', (target, input, need) => {
  const needs = needsOfTarget(`arn:aws:${target}`, input);
  expect(needs.map(({ action, resource }) => `${action} ${resource}`)).toEqual([need]);
});

describe('grants cover', () => {
  const grants = [
    { action: 'dynamodb:GetItem', resource: 'table/t' },
    { action: 's3:GetObject', resource: 'b/groups/*' },
    { action: 's3:DeleteObject', resource: 'b/groups/*' },
  ];

  test.each([
    ['dynamodb:GetItem', 'table/t', true],
    ['dynamodb:PutItem', 'table/t', false],
    ['dynamodb:GetItem', 'table/t2', false],
    ['dynamodb:GetItem', 'table/t/index/i', false],
    ['s3:GetObject', 'b/groups/g/jobs/j/1', true],
    ['s3:GetObject', 'b/backups/g', false],
    ['s3:GetObject', 'bxgroups/g', false],
    ['s3:DeleteObject', 'b/*', true],
    ['s3:DeleteObject', 'c/*', false],
  ])('%s on %s: %s', (action, resource, covered) => {
    expect(covers(grants, { action, resource })).toBe(covered);
  });
});

describe('the guard', () => {
  const guard = new PermissionGuard(new Map([['lease', [{ action: 'dynamodb:GetItem', resource: 'table/t' }]]]));
  const read = [{ action: 'dynamodb:GetItem', resource: 'table/t' }];
  const remove = [{ action: 'dynamodb:DeleteItem', resource: 'table/t' }];

  test('lets a function do what it may, and names what it may not', () => {
    expect(() => guard.require('lease', read)).not.toThrow();
    expect(() => guard.require('lease', remove)).toThrow('lease is not allowed dynamodb:DeleteItem on table/t');
    expect([...guard.refusals]).toEqual(['lease is not allowed dynamodb:DeleteItem on table/t']);
  });

  test('lets others pass, but no function that the template does not have', () => {
    expect(() => guard.require(undefined, remove)).not.toThrow();
    expect(() => guard.require('stranger', read)).toThrow(AccessDeniedError);
  });
});
