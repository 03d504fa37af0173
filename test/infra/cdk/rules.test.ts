import { isDeepStrictEqual } from 'node:util';
import { App, CfnResource, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSettings, type Settings } from '../../../infra/settings.ts';
import type { TenureFunction } from '../../../infra/tenure-function.ts';
import { variants } from '../../templates/variants.ts';
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
