import { expect, test } from 'vitest';
import { Deployment } from '../../../../../emulator/cloudformation/assembly/deployment.ts';
import type { StackTemplate, Template } from '../../../../../emulator/cloudformation/assembly/read.ts';

const stack = (name: string, template: Template): StackTemplate => ({
  name,
  account: '000000000000',
  region: 'us-east-1',
  template,
  assets: new Map(),
});

const store = stack('store', {
  Parameters: { Stage: { Type: 'String', Default: 'dev' } },
  Conditions: { Big: { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] }, Small: { 'Fn::Not': [{ Condition: 'Big' }] } },
  Resources: {
    Table: {
      Type: 'AWS::DynamoDB::Table',
      Properties: { KeySchema: [] },
      Metadata: { 'aws:cdk:path': 'store/Table/Resource' },
    },
    Named: {
      Type: 'AWS::DynamoDB::Table',
      Properties: { TableName: { 'Fn::Join': ['-', [{ Ref: 'Stage' }, 'named']] } },
    },
    Extra: { Type: 'AWS::S3::Bucket', Condition: 'Big' },
    Bucket: { Type: 'AWS::S3::Bucket', Condition: 'Small' },
    Topic: { Type: 'Some::Other::Thing' },
  },
  Outputs: {
    Shared: {
      Value: { 'Fn::GetAtt': ['Table', 'Arn'] },
      Export: { Name: { 'Fn::Join': [':', [{ Ref: 'AWS::StackName' }, 'arn']] } },
    },
    TableName: { Value: { Ref: 'Table' } },
    Hidden: { Value: 'x', Condition: 'Big' },
  },
});

test('references reach over stack borders by export and by output', () => {
  const service = stack('service', {
    Resources: {
      Worker: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          Environment: {
            Variables: {
              ARN: { 'Fn::ImportValue': 'store:arn' },
              NAME: { 'Fn::GetStackOutput': { StackName: 'store', OutputName: 'TableName' } },
            },
          },
        },
      },
    },
  });
  const deployment = new Deployment([store, service]);
  const [worker] = deployment.resources('AWS::Lambda::Function');
  expect(worker && deployment.properties(worker)).toEqual({
    Environment: {
      Variables: { ARN: 'arn:aws:dynamodb:us-east-1:000000000000:table/store-Table', NAME: 'store-Table' },
    },
  });
});

test('conditions decide which resources and outputs there are', () => {
  const deployment = new Deployment([store]);
  expect(deployment.resources('AWS::S3::Bucket').map(({ logicalId }) => logicalId)).toEqual(['Bucket']);
  expect(Object.keys(deployment.outputs())).toEqual(['Shared', 'TableName']);
});

test('a given name is used, and a bucket name is one that S3 takes', () => {
  const deployment = new Deployment([store]);
  const names = deployment
    .resources('AWS::DynamoDB::Table', 'AWS::S3::Bucket')
    .map((resource) => deployment.reference(resource));
  expect(names).toEqual(['store-Table', 'dev-named', 'store-bucket']);
});

test('an attribute that a part assigns replaces the prediction everywhere', () => {
  const deployment = new Deployment([store]);
  const [table] = deployment.resources('AWS::DynamoDB::Table');
  if (table) deployment.assign(table, { Arn: 'arn:real' });
  expect(deployment.outputs()['Shared']).toBe('arn:real');
  expect(deployment.find('AWS::DynamoDB::Table', 'arn:real')?.path).toBe('store/Table');
});

test('an alias or version is its function', () => {
  const deployment = new Deployment([
    stack('s', {
      Resources: {
        Worker: { Type: 'AWS::Lambda::Function' },
        Live: { Type: 'AWS::Lambda::Alias', Properties: { FunctionName: { Ref: 'Worker' }, Name: 'live' } },
      },
    }),
  ]);
  const [alias] = deployment.resources('AWS::Lambda::Alias');
  const arn = alias && deployment.reference(alias);
  expect(arn).toBe('arn:aws:lambda:us-east-1:000000000000:function:s-Worker:live');
  expect(deployment.find('AWS::Lambda::Function', arn ?? '')?.logicalId).toBe('Worker');
});

test.each([
  [{ Ref: 'Nobody' }, 'Stack s refers to Nobody, which it does not have'],
  [{ 'Fn::GetAtt': ['Here', 'Colour'] }, 'the attribute Colour of AWS::S3::Bucket is not known to the local stack'],
  [{ 'Fn::ImportValue': 'nowhere' }, 'Stack s imports nowhere, which no stack of the app exports'],
  [{ 'Fn::GetStackOutput': { StackName: 't', OutputName: 'o' } }, 'Stack s reads t.o'],
  [{ 'Fn::FindInMap': ['m', 'a', 'b'] }, 'Mapping m of stack s has no a.b'],
  [{ 'Fn::If': ['C', 1, 2] }, 'Stack s has no condition C'],
])('%j is refused with a message that names it', (value, message) => {
  const broken = stack('s', { Resources: { Here: { Type: 'AWS::S3::Bucket' } }, Outputs: { O: { Value: value } } });
  expect(() => new Deployment([broken]).outputs()).toThrow(message);
});
