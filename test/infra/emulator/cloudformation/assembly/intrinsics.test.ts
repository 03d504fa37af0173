import { expect, test } from 'vitest';
import { resolveIntrinsics, type Scope } from '../../../../../emulator/cloudformation/assembly/intrinsics.ts';

const scope: Scope = {
  reference: (name) => ({ Table: 'orders', 'AWS::Region': 'us-east-1' })[name] ?? fail(`no ${name}`),
  attribute: (logicalId, name) => `${logicalId}/${name}`,
  imported: (exportName) => `imported ${exportName}`,
  stackOutput: (stack, output) => `${stack}.${output}`,
  mapping: (map, first, second) => `${map} ${first} ${second}`,
  condition: (name) => name === 'Yes',
};
const resolve = (node: unknown) => resolveIntrinsics(node, scope);

function fail(why: string): never {
  throw new Error(why);
}

test.each([
  ['Ref', { Ref: 'Table' }, 'orders'],
  ['GetAtt as a list', { 'Fn::GetAtt': ['Table', 'Arn'] }, 'Table/Arn'],
  ['GetAtt as text', { 'Fn::GetAtt': 'Table.Stream.Arn' }, 'Table/Stream.Arn'],
  ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'Table' }, 3]] }, 'a-orders-3'],
  ['Select of Split', { 'Fn::Select': ['1', { 'Fn::Split': [':', 'a:b:c'] }] }, 'b'],
  ['ImportValue', { 'Fn::ImportValue': { 'Fn::Join': ['', ['x', 'y']] } }, 'imported xy'],
  [
    'GetStackOutput',
    { 'Fn::GetStackOutput': { StackName: 's', OutputName: 'o', Region: { Ref: 'AWS::Region' } } },
    's.o',
  ],
  ['FindInMap', { 'Fn::FindInMap': ['m', { Ref: 'AWS::Region' }, 'k'] }, 'm us-east-1 k'],
  ['Base64', { 'Fn::Base64': 'hello' }, 'aGVsbG8='],
  ['If', { 'Fn::If': ['Yes', { Ref: 'Table' }, { Ref: 'Unknown' }] }, 'orders'],
  [
    'And, Or, Not, Equals',
    {
      'Fn::And': [
        { 'Fn::Or': [{ Condition: 'No' }, { 'Fn::Equals': [1, '1'] }] },
        { 'Fn::Not': [{ Condition: 'No' }] },
      ],
    },
    true,
  ],
])('%s', (_name, node, value) => {
  expect(resolve({ deep: [node] })).toEqual({ deep: [value] });
});

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: CloudFormation writes its variables so
test('Sub replaces variables, references and attributes, and leaves literals', () => {
  expect(resolve({ 'Fn::Sub': '${Table}/${Table.Arn}/${!Table}/${AWS::Region}' })).toBe(
    'orders/Table/Arn/${Table}/us-east-1',
  );
  expect(resolve({ 'Fn::Sub': ['${Own}-${Table}', { Own: { Ref: 'AWS::Region' } }] })).toBe('us-east-1-orders');
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above

test('NoValue takes its member or item away', () => {
  const gone = { 'Fn::If': ['No', 1, { Ref: 'AWS::NoValue' }] };
  expect(resolve({ kept: 1, gone, list: [gone, 2] })).toEqual({ kept: 1, list: [2] });
  expect(resolve(gone)).toBeUndefined();
});

test('a member named Condition that is an object stays what it is', () => {
  const statement = { Effect: 'Allow', Condition: { StringEquals: { 'aws:SourceArn': { Ref: 'Table' } } } };
  expect(resolve(statement)).toEqual({ Effect: 'Allow', Condition: { StringEquals: { 'aws:SourceArn': 'orders' } } });
});

test('an intrinsic that is not known is refused by name', () => {
  expect(() => resolve({ a: { 'Fn::Transform': {} } })).toThrow('Fn::Transform is not known to the local stack');
  expect(() => resolve({ 'Fn::Select': [5, ['a']] })).toThrow('asks for item 5 of 1');
});
