import { type App, CfnResource, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

describe('the AWS Solutions rules and those of CloudFormation', () => {
  test.each([{}, { stage: 'me', ephemeral: 'true' }, { replicaRegions: 'us-west-2' }])(
    'find nothing that is not acknowledged with %o',
    (context) => {
      const { app } = newApp(context);
      Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
      expect(() => app.synth()).not.toThrow();
    },
  );

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
