import { isDeepStrictEqual } from 'node:util';
import { App, CfnResource, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSettings, type Settings } from '../../../infra/settings.ts';
import type { TenureFunction } from '../../../infra/tenure-function.ts';
import { newApp, templateOf } from './synthesised.ts';

beforeAll(() => {
  process.env['CDK_VALIDATION'] = 'true';
});
afterAll(() => {
  process.env['CDK_VALIDATION'] = 'false';
});

function findings(app: App): string[] {
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  return violations.map(({ ruleName }) => ruleName);
}

const kmsKeyArn = 'arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555';

/** Every setting once, and together those that touch the same resources. */
const variants: Record<string, string>[] = [
  {},
  { stage: 'me', ephemeral: 'true', kmsKeyArn },
  { tracing: 'off' },
  { tracing: 'off', monitoring: 'full', ephemeral: 'true', restoreSources: 's3://archive/tenure/', delegation: 'off' },
  { kmsKeyArn, monitoring: 'full', replicas: '5', replicaRegions: 'us-west-2,eu-west-1' },
  {
    replicas: '1',
    reservedConcurrency: 'lease=20,contend=5',
    throttles: 'contend=10/20',
    logRetentionDays: '7',
    payloadUndeleteDays: '30',
    maxClockSkewMs: '500',
  },
];

describe('the AWS Solutions rules and those of CloudFormation', () => {
  test.each(variants)('find nothing that is not acknowledged with %o', (context) => {
    const { app } = newApp(context);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    expect(() => app.synth()).not.toThrow();
  });

  test('see every setting with another value than its default', () => {
    const usual = readSettings(new App().node);
    const given = variants.map((context) => readSettings(new App({ context }).node));
    const names = new Set([...Object.keys(usual), ...given.flatMap((one) => Object.keys(one))]) as Set<keyof Settings>;
    const always = [...names].filter((name) => given.every((one) => isDeepStrictEqual(one[name], usual[name])));
    expect(always).toEqual([]);
  });

  test('do run, and no acknowledgement of ours hides another finding', () => {
    const { app, stack } = newApp();
    new Bucket(stack, 'Open');
    const lease = stack.tenure.service.node.findChild('lease') as TenureFunction;
    lease.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:*'], resources: ['*'] }));
    expect(findings(app).sort()).toEqual([
      'AwsSolutions-IAM5[Action::dynamodb:*]',
      'AwsSolutions-IAM5[Resource::*]',
      'AwsSolutions-S1',
      'AwsSolutions-S10',
    ]);
  });

  test('refuse what CloudFormation would refuse', () => {
    const { app, stack } = newApp();
    new CfnResource(stack, 'Wrong', { type: 'AWS::SQS::Queue', properties: { Nonsense: true } });
    expect(() => app.synth()).toThrow(/[Vv]alidation/);
  });

  test('take a grant on the objects of a prefix as acknowledged, and only that one', () => {
    const { app, stack } = newApp();
    const { store, service } = stack.tenure;
    const lease = service.node.findChild('lease') as TenureFunction;
    lease.allowObjects(['s3:GetObject'], store.bucket, 'groups/');
    lease.allow(['s3:GetObject'], store.bucket.arnForObjects('others/*'));
    expect(findings(app)).toEqual([expect.stringMatching(/^AwsSolutions-IAM5\[Resource::<\w+\.Arn>\/others\/\*\]$/)]);
  });
});

test('no JSONPath reference stands where JSONata is spoken', () => {
  expect(JSON.stringify(templateOf().toJSON())).not.toContain('$$.');
});
