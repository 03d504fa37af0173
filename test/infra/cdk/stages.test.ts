import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { Tenure } from '../../../infra/tenure.ts';
import { newApp, permissionsOf, resources, templateOf, text } from './synthesised.ts';

/** Names that the template fixes, so that a second stack with the same ones could not be created next to it. */
function fixedNames(template: Template): string[] {
  // These names need to be unique in their role or their API only.
  const local = ['AWS::IAM::Policy', 'AWS::ApiGatewayV2::Stage'];
  return Object.values(template.toJSON()['Resources'] as Record<string, { Type: string; Properties?: object }>)
    .filter(({ Type }) => !local.includes(Type))
    .flatMap(({ Type, Properties = {} }) =>
      Object.entries(Properties)
        .filter(([property, value]) => /(?<!^Metric)Name$/.test(property) && !text(value).includes('${'))
        .map(([property, value]) => `${Type} ${property} ${text(value)}`),
    );
}

describe('stages', () => {
  test('each is a stack of its own, dev by default', () => {
    expect(newApp().stack.stackName).toBe('tenure-dev');
    expect(newApp({ stage: 'blue' }).stack.stackName).toBe('tenure-blue');
  });

  test('two in one account have no name in common', () => {
    const [blue, green] = ['blue', 'green'].map((stage) => fixedNames(templateOf({ stage })));
    expect(blue?.length).toBeGreaterThan(10);
    expect(blue?.filter((name) => green?.includes(name))).toEqual([]);
    for (const name of blue ?? []) expect(name).toContain('tenure-blue');
  });

  test('tell clients where they are', () => {
    expect(Object.keys(templateOf().findOutputs('*'))).toEqual([
      'ApiUrl',
      'TableName',
      'BucketName',
      'EventBusName',
      'EventLogName',
      'AlarmTopicArn',
    ]);
  });

  test('are guarded against deletion unless ephemeral', () => {
    expect(newApp().stack.terminationProtection).toBe(true);
    expect(newApp({ stage: 'me', ephemeral: 'true' }).stack.terminationProtection).toBe(false);
  });

  test('an ephemeral one goes as a whole: nothing is retained or protected, buckets are emptied first', () => {
    const template = templateOf({ stage: 'me', ephemeral: 'true' });
    const kept = Object.entries(template.toJSON()['Resources'] as Record<string, { DeletionPolicy?: string }>)
      .filter(([, { DeletionPolicy = 'Delete' }]) => DeletionPolicy !== 'Delete')
      .map(([id]) => id);
    expect(kept).toEqual([]);
    for (const { properties } of resources(template, 'AWS::DynamoDB::Table')) {
      expect(properties.DeletionProtectionEnabled ?? false).toBe(false);
    }
    const emptied = resources(template, 'Custom::S3AutoDeleteObjects').map(
      ({ properties }) => properties.BucketName.Ref,
    );
    expect(emptied.sort()).toEqual(
      resources(template, 'AWS::S3::Bucket')
        .map(({ id }) => id)
        .sort(),
    );
  });

  test('concurrency is set apart where asked for, and only for functions that there are', () => {
    const template = templateOf({ reservedConcurrency: 'contend=20,operate=10' });
    const reserved = resources(template, 'AWS::Lambda::Function').map(
      ({ properties }) => properties.ReservedConcurrentExecutions,
    );
    expect(reserved.filter((count) => count !== undefined)).toEqual([20, 10]);
    expect(() => newApp({ reservedConcurrency: 'contnd=20' })).toThrow(
      /names contnd; the functions are lease, contend/,
    );
  });
});

describe('replicas in other Regions', () => {
  test('each is a protected table in a small stack there, named so that the main stack can know it', () => {
    const { app, stack } = newApp({ stage: 'blue', replicas: 3, replicaRegions: 'us-west-2,eu-west-1' });
    const { stacks } = app.synth();
    expect(stacks.map(({ stackName, environment }) => [stackName, environment.region])).toEqual([
      ['tenure-blue-log-2', 'us-west-2'],
      ['tenure-blue-log-3', 'eu-west-1'],
      ['tenure-blue', 'unknown-region'],
    ]);
    for (const { stackName, template } of stacks.slice(0, 2)) {
      const [table, ...others] = resources(Template.fromJSON(template), 'AWS::DynamoDB::Table');
      expect(others).toEqual([]);
      expect(table?.properties).toMatchObject({ TableName: stackName, DeletionProtectionEnabled: true });
    }
    const own = resources(Template.fromJSON(stacks[2]?.template), 'AWS::DynamoDB::Table');
    expect(own.filter(({ id }) => id.includes('Replica'))).toHaveLength(1);
    const [first, second, third] = stack.tenure.store.replicas;
    expect(text(stack.resolve(first?.address))).toMatch(/^\$\{TenureStoreReplica1\w+\}$/);
    expect([second?.address, third?.address]).toEqual(['us-west-2/tenure-blue-log-2', 'eu-west-1/tenure-blue-log-3']);
    expect(text(stack.resolve(third?.tableArn))).toMatch(
      /:dynamodb:eu-west-1:\$\{AWS::AccountId\}:table\/tenure-blue-log-3$/,
    );
  });

  test('each lies in the account of the stack around Tenure', () => {
    const { app } = newApp();
    const shop = new Stack(app, 'shop', { env: { account: '111122223333', region: 'eu-west-1' } });
    new Tenure(shop, 'Tenure', { stage: 'shop', replicas: 3, replicaRegions: ['us-east-1'] });
    const accounts = app.synth().stacks.map(({ stackName, environment }) => [stackName, environment.account]);
    expect(Object.fromEntries(accounts)).toMatchObject({ shop: '111122223333', 'tenure-shop-log-3': '111122223333' });
  });

  test('every coordinator gets the table and the Region of each, and may write there', () => {
    const template = templateOf({ stage: 'blue', replicas: 5, replicaRegions: 'us-west-2,eu-west-1' });
    const functions = resources(template, 'AWS::Lambda::Function');
    const lists = functions.map(({ properties }) => text(properties.Environment.Variables.TENURE_REPLICA_TABLES));
    const coordinators = lists.filter((tables) => tables !== 'undefined');
    expect(coordinators.length).toBeGreaterThanOrEqual(4);
    for (const tables of coordinators) {
      expect(tables.replaceAll(/\$\{TenureStore(Replica\d)\w+\}/g, '$1')).toBe(
        'Replica1,Replica2,Replica3,us-west-2/tenure-blue-log-4,eu-west-1/tenure-blue-log-5',
      );
    }
    for (const name of ['log', 'logsweep', 'recover']) {
      const written = permissionsOf(template, name).filter(
        ({ action, resource }) => action === 'dynamodb:PutItem' && !resource.includes('TenureStoreTable'),
      );
      const tables = written.map(({ resource }) =>
        resource.replace(/^\$\{TenureStore(Replica\d)\w+\.Arn\}$/, '$1').replaceAll(/\$\{AWS::(\w+)\}/g, '$1'),
      );
      expect(tables.sort()).toEqual([
        'Replica1',
        'Replica2',
        'Replica3',
        'arn:Partition:dynamodb:eu-west-1:AccountId:table/tenure-blue-log-5',
        'arn:Partition:dynamodb:us-west-2:AccountId:table/tenure-blue-log-4',
      ]);
    }
  });
});
