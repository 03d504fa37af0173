import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  functionName,
  permissions,
  permissionsOf,
  referred,
  resources,
  type Statement,
  templateOf,
} from './synthesised.ts';

let template: Template;
let mainTable: string;
beforeAll(() => {
  template = templateOf();
  const output = template.findOutputs('TableName')['TableName'];
  mainTable = referred(template, 'AWS::DynamoDB::Table', output?.['Value']).id;
});

describe('every function', () => {
  test('runs on the runtime and settings of the house, traced, with its errors mapped back to the sources', () => {
    const functions = resources(template, 'AWS::Lambda::Function');
    expect(functions.length).toBeGreaterThanOrEqual(4);
    expect(functions.length).toBeLessThanOrEqual(17);
    for (const { properties } of functions) {
      expect(properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        Environment: {
          Variables: {
            NODE_OPTIONS: '--enable-source-maps',
            TENURE_TABLE: { Ref: mainTable },
            TENURE_MAX_CLOCK_SKEW_MS: '250',
          },
        },
      });
      expect(properties.Timeout).toBeLessThanOrEqual(900);
      expect(properties).not.toHaveProperty('ReservedConcurrentExecutions');
    }
  });

  test('is traced, but for those that the schedule calls', () => {
    const untraced = resources(template, 'AWS::Lambda::Function').filter(
      ({ properties }) => properties.TracingConfig?.Mode !== 'Active',
    );
    const names = untraced.map(({ id }) => functionName(template, { Ref: id }));
    expect(names.sort()).toEqual(['backupsweep', 'logsweep', 'minute']);
  });

  test('keeps no journal where the deployment says so', () => {
    const variables = (of: Template) =>
      resources(of, 'AWS::Lambda::Function').map(({ properties }) => properties.Environment.Variables.TENURE_JOURNAL);
    expect(new Set(variables(template))).toEqual(new Set([undefined]));
    expect(new Set(variables(templateOf({ journal: 'off' })))).toEqual(new Set(['off']));
  });

  test('is not traced, nor is a workflow, where the deployment says so', () => {
    const untraced = templateOf({ tracing: 'off' });
    expect(permissions(untraced).filter(({ action }) => action.startsWith('xray:'))).toEqual([]);
    for (const { properties } of resources(untraced, 'AWS::Lambda::Function'))
      expect(properties).not.toHaveProperty('TracingConfig');
    for (const { properties } of resources(untraced, 'AWS::StepFunctions::StateMachine'))
      expect(properties.TracingConfiguration).toEqual({ Enabled: false });
  });

  test('answers before API Gateway gives up, when a route leads to it', () => {
    for (const { properties } of resources(template, 'AWS::ApiGatewayV2::Integration')) {
      const { Timeout } = referred(template, 'AWS::Lambda::Function', properties.IntegrationUri).properties;
      expect(Timeout).toBeLessThanOrEqual(29);
    }
  });

  test('has a role of its own without managed policies, and a log that ends, which it may write', () => {
    const functions = resources(template, 'AWS::Lambda::Function');
    const roles = functions.map(({ properties }) => referred(template, 'AWS::IAM::Role', properties.Role));
    expect(new Set(roles.map(({ id }) => id)).size).toBe(functions.length);
    for (const { properties } of roles) expect(properties).not.toHaveProperty('ManagedPolicyArns');
    for (const { properties } of functions) {
      const log = referred(template, 'AWS::Logs::LogGroup', properties.LoggingConfig.LogGroup);
      expect(log.properties.RetentionInDays).toBe(30);
      const { id: role } = referred(template, 'AWS::IAM::Role', properties.Role);
      const writes = permissions(template).filter((one) => one.role === role && one.resource === `\${${log.id}.Arn}`);
      expect(writes.map(({ action }) => action).sort()).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents']);
      // Lambda refuses to make a traced function whose role may not trace yet: both stand in the role.
      const [own] = roles.filter(({ id }) => id === role);
      const traces = JSON.stringify(own?.properties.Policies).includes('xray:PutTraceSegments');
      expect(traces).toBe(properties.TracingConfig !== undefined);
    }
  });
});

describe('permissions', () => {
  test('name each action; resources end in * only for traces, workflows, objects below a prefix and streams of a table', () => {
    expect(permissions(template).length).toBeGreaterThan(20);
    for (const { action, resource } of permissions(template)) {
      expect(action).toMatch(/^[a-z0-9-]+:[A-Za-z]+$/);
      if (/^xray:|^logs:(\w+Deliver(y|ies)|\w+ResourcePolic(y|ies)|DescribeLogGroups)$/.test(action))
        expect(resource).toBe('*');
      else if (action === 'states:StopExecution') expect(resource).toMatch(/:execution:\$\{\w+\.Name\}:\*$/);
      else expect(resource).toMatch(/^\$\{\w+(\.(Stream)?Arn)?\}(\/index\/\w+|\/[a-z]+\/\*)?$/);
    }
  });

  test('roles have nothing in addition to these policies', () => {
    const inline = resources(template, 'AWS::IAM::Role').flatMap(({ properties }) => properties.Policies ?? []);
    const attached = resources(template, 'AWS::IAM::Policy').map(({ properties }) => properties);
    for (const { PolicyDocument } of [...inline, ...attached]) {
      const statements: Statement[] = PolicyDocument.Statement;
      for (const statement of statements) {
        expect(statement.Effect).toBe('Allow');
        expect(Object.keys(statement).sort()).toEqual(['Action', 'Effect', 'Resource']);
      }
    }
  });

  test.each(['lease', 'contend', 'observe', 'operate', 'minute'])('%s deletes no item, scans no table', (name) => {
    const actions = permissionsOf(template, name).map(({ action }) => action);
    expect(actions).toContain('dynamodb:GetItem');
    for (const forbidden of ['DeleteItem', 'BatchWriteItem', 'Scan', 'PartiQLDelete', 'DeleteTable', 'UpdateTable']) {
      expect(actions).not.toContain(`dynamodb:${forbidden}`);
    }
  });

  test('nobody deletes items of the main table, whose leadership records would be among them', () => {
    const deleting = permissions(template).filter(
      ({ action, resource }) => /DeleteItem|BatchWriteItem|PartiQL/.test(action) && resource.includes(mainTable),
    );
    expect(deleting).toEqual([]);
  });

  // docs/permissions.md says what each of them deletes, and why.
  test('only retention, clean-up, the collector and the end of what a payload served delete objects', () => {
    const deleting = permissions(template).filter(({ action }) => action.startsWith('s3:Delete'));
    const found = deleting.map(({ role, resource }) => {
      const [, name] = /^TenureService([a-z]+)role/.exec(role) ?? [];
      return `${name} ${/\/([a-z]+)\/\*$/.exec(resource)?.[1]}`;
    });
    const archives = ['backups', 'backupcut', 'backupsweep'];
    const payloads = ['backups', 'backupcut', 'backupsweep', 'jobs', 'minute'];
    const expected = [...archives.map((name) => `${name} backups`), ...payloads.map((name) => `${name} groups`)];
    expect(found.sort()).toEqual(expected.sort());
  });

  test('lease, contend and observe reach the main table and nothing else of the store', () => {
    for (const name of ['lease', 'contend', 'observe']) {
      const own = permissionsOf(template, name).filter(({ action }) => !/^(logs|xray):/.test(action));
      expect(new Set(own.map(({ resource }) => resource))).toEqual(new Set([`\${${mainTable}.Arn}`]));
    }
  });
});

test("services of AWS assume the stack's roles for this account only", () => {
  const others = resources(template, 'AWS::IAM::Role').flatMap(({ properties }) => {
    const [{ Principal, Condition }] = properties.AssumeRolePolicyDocument.Statement;
    return Principal.Service === 'lambda.amazonaws.com' ? [] : [{ service: Principal.Service, condition: Condition }];
  });
  expect(new Set(others.map(({ service }) => service))).toEqual(
    new Set(['scheduler.amazonaws.com', 'states.amazonaws.com']),
  );
  for (const { condition } of others)
    expect(condition).toEqual({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } });
});

describe('schedules', () => {
  test('there is one, that tells the function its minute; the function calls the sweeps that need other rights', () => {
    const schedules = resources(template, 'AWS::Scheduler::Schedule');
    expect(schedules.map(({ properties }) => properties.ScheduleExpression)).toEqual(['cron(* * * * ? *)']);
    const [only] = schedules;
    expect(functionName(template, only?.properties.Target.Arn)).toBe('minute');
    expect(only?.properties.Target.Input).toBe('{"task":"minute","slot":"<aws.scheduler.scheduled-time>"}');
    const calls = permissionsOf(template, 'minute').filter(({ action }) => action === 'lambda:InvokeFunction');
    const called = calls.map(({ resource }) => functionName(template, { Ref: /\w+/.exec(resource)?.[0] }));
    expect(called.sort()).toEqual(['backupsweep', 'logsweep']);
  });

  test('each fires on time in UTC, and may call its function and nothing else', () => {
    for (const { properties } of resources(template, 'AWS::Scheduler::Schedule')) {
      expect(properties).toMatchObject({ ScheduleExpressionTimezone: 'UTC', FlexibleTimeWindow: { Mode: 'OFF' } });
      const role = referred(template, 'AWS::IAM::Role', properties.Target.RoleArn);
      const allowed = permissions(template).filter((permission) => permission.role === role.id);
      expect(allowed.map(({ action }) => action).sort()).toEqual(['lambda:InvokeFunction', 'sqs:SendMessage']);
      const target = referred(template, 'AWS::Lambda::Function', properties.Target.Arn);
      expect(allowed.map(({ resource }) => resource)).toContain(`\${${target.id}.Arn}`);
    }
  });

  test('a failed run that nobody waits for is left to the next slot but kept', () => {
    const [queue] = resources(template, 'AWS::SQS::Queue');
    const kept = { 'Fn::GetAtt': [queue?.id, 'Arn'] };
    for (const { properties } of resources(template, 'AWS::Scheduler::Schedule')) {
      expect(properties.Target).toMatchObject({
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
        DeadLetterConfig: { Arn: kept },
      });
    }
    const configurations = resources(template, 'AWS::Lambda::EventInvokeConfig').map(({ properties }) => properties);
    const names = configurations.map(({ FunctionName }) => functionName(template, FunctionName));
    expect(names.sort()).toEqual(['backupsweep', 'logsweep', 'minute']);
    for (const configuration of configurations) {
      expect(configuration).toMatchObject({
        MaximumRetryAttempts: 0,
        DestinationConfig: { OnFailure: { Destination: kept } },
      });
    }
  });
});

test('the template stays far below what CloudFormation takes, 500 resources, with all alarms too', () => {
  const full = templateOf({ monitoring: 'full' }).toJSON()['Resources'];
  expect(Object.keys(full).length).toBeLessThanOrEqual(300);
  expect(Object.keys(template.toJSON()['Resources']).length).toBeLessThanOrEqual(230);
});
