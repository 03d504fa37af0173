import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventFilters } from '../../../infra/event-filter.ts';
import { functionName, permissionsOf, referred, resources, type Statement, templateOf, text } from './synthesised.ts';

let template: Template;
let failures: string;
beforeAll(() => {
  template = templateOf();
  const [queue, ...others] = resources(template, 'AWS::SQS::Queue');
  expect(others).toEqual([]);
  failures = `\${${queue?.id}.Arn}`;
});

describe('everything that nobody waits for ends in the failure queue when it fails for good', () => {
  test('a call that a schedule could not make, and one that failed in the function', () => {
    const schedules = resources(template, 'AWS::Scheduler::Schedule');
    const configurations = resources(template, 'AWS::Lambda::EventInvokeConfig');
    expect(schedules).toHaveLength(1);
    expect(configurations).toHaveLength(3);
    for (const { properties } of schedules) {
      expect(text(properties.Target.DeadLetterConfig.Arn)).toBe(failures);
      const own = configurations.filter((one) => text(one.properties.FunctionName) === idOf(properties.Target.Arn));
      expect(own.map((one) => text(one.properties.DestinationConfig.OnFailure.Destination))).toEqual([failures]);
      const name = functionName(template, properties.Target.Arn) ?? '';
      const sends = permissionsOf(template, name).filter(({ action }) => action === 'sqs:SendMessage');
      expect(sends.map(({ resource }) => resource)).toContain(failures);
    }
  });

  test('records of a stream', () => {
    const mappings = resources(template, 'AWS::Lambda::EventSourceMapping');
    expect(mappings).toHaveLength(1);
    for (const { properties } of mappings) {
      expect(text(properties.DestinationConfig.OnFailure.Destination)).toBe(failures);
      expect(properties).toMatchObject({
        StartingPosition: 'TRIM_HORIZON',
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BisectBatchOnFunctionError: true,
        MaximumRecordAgeInSeconds: 43_200,
        MaximumRetryAttempts: 10_000,
      });
    }
  });

  test('events that a rule could not hand to its target, and the rule may put them there', () => {
    const rules = resources(template, 'AWS::Events::Rule');
    expect(rules).toHaveLength(1);
    const policies = resources(template, 'AWS::SQS::QueuePolicy').map(({ properties }) => JSON.stringify(properties));
    for (const { id, properties } of rules) {
      for (const target of properties.Targets) expect(text(target.DeadLetterConfig.Arn)).toBe(failures);
      expect(policies.some((policy) => policy.includes(`{"Fn::GetAtt":["${id}","Arn"]}`))).toBe(true);
    }
  });

  test('no function is called asynchronously in another way, and no state machine by a rule', () => {
    const kinds = Object.values(template.toJSON()['Resources'] as Record<string, { Type: string }>);
    const others = [
      'AWS::SNS::Subscription',
      'AWS::S3::BucketNotification',
      'AWS::Pipes::Pipe',
      'AWS::Events::Archive',
    ];
    expect(kinds.filter(({ Type }) => others.includes(Type))).toEqual([]);
  });
});

describe('events', () => {
  test('reach the function through the filter that is tested on the images of each step, five patterns as Lambda takes them', () => {
    const [mapping] = resources(template, 'AWS::Lambda::EventSourceMapping');
    const patterns = mapping?.properties.FilterCriteria.Filters.map(({ Pattern }: { Pattern: string }) =>
      JSON.parse(Pattern),
    );
    expect(patterns).toEqual(eventFilters);
    expect(patterns.length).toBeLessThanOrEqual(5);
    for (const pattern of patterns) expect(Object.keys(pattern)).toEqual(['dynamodb']);
  });

  test('are published to the bus of the deployment and kept in a log for as long as the other logs', () => {
    const output = (name: string) => template.findOutputs(name)[name]?.['Value'];
    const bus = referred(template, 'AWS::Events::EventBus', output('EventBusName'));
    const put = permissionsOf(template, 'events').filter(({ action }) => action.startsWith('events:'));
    expect(put).toMatchObject([{ action: 'events:PutEvents', resource: `\${${bus.id}.Arn}` }]);
    const log = referred(template, 'AWS::Logs::LogGroup', output('EventLogName'));
    expect(log.properties.RetentionInDays).toBe(30);
    expect(text(log.properties.LogGroupName)).toMatch(/^\/aws\/events\//);
    const [rule] = resources(template, 'AWS::Events::Rule');
    expect(rule?.properties).toMatchObject({ EventBusName: { Ref: bus.id }, EventPattern: { source: ['tenure'] } });
    // Its own policy: an account has ten of the other kind in a Region.
    expect(resources(template, 'AWS::Logs::ResourcePolicy')).toEqual([]);
    const statements: Statement[] = log.properties.ResourcePolicyDocument.Statement;
    expect(statements.map(({ Action }) => Action)).toEqual(['logs:CreateLogStream', 'logs:PutLogEvents']);
    expect(JSON.stringify(statements[1]?.Condition)).toContain(rule?.id);
  });
});

function idOf(arn: unknown): string {
  return `\${${referred(template, 'AWS::Lambda::Function', arn).id}}`;
}
