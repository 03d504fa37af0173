import { isDeepStrictEqual } from 'node:util';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { tableDefinition } from '../../../client/direct/table-definition.ts';
import { TenureTable } from '../../../infra/tenure-table.ts';
import { blocksOf, readPage } from '../../support/docs/markdown.ts';
import { recordedShell } from '../../support/shell.ts';
import { referred, resources, templateOf } from './synthesised.ts';

function synthesised(make: (stack: Stack, worker: Role) => void) {
  const stack = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'Leases');
  make(stack, new Role(stack, 'Worker', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }));
  return Template.fromStack(stack);
}

const tableOf = (template: Template) => resources(template, 'AWS::DynamoDB::Table')[0];
const { TableName: _, ...definition } = tableDefinition('my-leases');
const sorted = (attributes: { AttributeName: string }[]) =>
  attributes.toSorted((one, other) => one.AttributeName.localeCompare(other.AttributeName));
const shapeOf = ({ AttributeDefinitions, ...more }: typeof definition) => ({
  ...more,
  AttributeDefinitions: sorted(AttributeDefinitions),
});

/** Its properties with attributes in one order. */
const shown = (table: { Properties?: typeof definition; properties?: typeof definition }) =>
  shapeOf(table.Properties ?? table.properties ?? definition) as Record<string, unknown>;

describe('a table of leases', () => {
  test('is the same from the construct, from tenure table create and as the page shows it for CloudFormation', async () => {
    const template = synthesised((stack) => void new TenureTable(stack, 'Leases'));
    const made = tableOf(template);
    expect(shapeOf(made?.properties)).toMatchObject(shapeOf(definition));
    expect(made?.properties).toMatchObject({
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
    });
    expect(made?.policies).toEqual(['RetainExceptOnCreate', 'Retain']);

    const { shell, out } = recordedShell();
    expect(await runCli(['table', 'create', 'my-leases', '--dry-run', '--json'], shell)).toBe(0);
    expect(JSON.parse(out())).toEqual({ ...tableDefinition('my-leases'), DeletionProtectionEnabled: true });

    const block = blocksOf(readPage('docs/direct.md')).find(({ language }) => language === 'json');
    const shown = JSON.parse(block?.lines.join('\n') ?? '').Resources.Leases;
    expect(shapeOf(shown.Properties)).toEqual(shapeOf(made?.properties));
  });

  test('has the keys and the index of the main table of a stack, which can so take it over', () => {
    const template = templateOf();
    const main = referred(template, 'AWS::DynamoDB::Table', template.findOutputs('TableName')['TableName']?.['Value']);
    expect(shapeOf(main.properties)).toMatchObject(shapeOf(definition));
  });

  test('is imported into a new stack as the page says, whose deployment then changes in place what it changes', () => {
    const template = templateOf();
    const main = referred(template, 'AWS::DynamoDB::Table', template.findOutputs('TableName')['TableName']?.['Value']);
    const page = readPage('docs/direct.md');
    const [id, ...others] = new Set(page.match(/TenureStoreTable\w+/g));
    expect([id, ...others]).toEqual([main.id]);
    const block = blocksOf(page).find(({ language }) => language === 'json');
    const imported = JSON.parse(block?.lines.join('\n') ?? '').Resources.Leases;
    // CloudFormation imports no resource without them.
    expect(imported.DeletionPolicy).toBe('Retain');
    expect(JSON.stringify(imported)).not.toMatch(/"(Ref|Fn::\w+)"/);
    // A name in one template and none in the other would replace the table.
    expect(imported.Properties).not.toHaveProperty('TableName');
    expect(main.properties).not.toHaveProperty('TableName');
    const same = (key: string) => isDeepStrictEqual(shown(imported)[key], shown(main)[key]);
    const differing = Object.keys({ ...imported.Properties, ...main.properties }).filter((key) => !same(key));
    // "Update requires: no interruption" in the reference of AWS::DynamoDB::Table.
    expect(['SSESpecification', 'StreamSpecification', 'Tags']).toEqual(expect.arrayContaining(differing));
    expect(differing).toContain('StreamSpecification');
  });

  test('is shown for Terraform with the same keys, index and protection', () => {
    const [block] = blocksOf(readPage('docs/direct.md')).filter(({ language }) => language === 'hcl');
    const text = block?.lines.join('\n').replaceAll(/ +/g, ' ') ?? '';
    for (const line of [
      'hash_key = "pk"',
      'range_key = "sk"',
      'for_each = ["pk", "sk", "groupsPk", "group"]',
      'name = "groups"',
      'hash_key = "groupsPk"',
      'range_key = "group"',
      'projection_type = "KEYS_ONLY"',
      'attribute_name = "ttl"',
      'deletion_protection_enabled = true',
    ])
      expect(text).toContain(line);
  });

  test('opens only the items of a group to its contender, as tenure table policy prints it', async () => {
    const template = synthesised((stack, worker) => new TenureTable(stack, 'Leases').grantContend(worker, 'orders'));
    const [policy] = resources(template, 'AWS::IAM::Policy');
    const [statement, ...others] = policy?.properties.PolicyDocument.Statement ?? [];
    expect(others).toEqual([]);
    expect(statement.Condition).toEqual({
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['GROUP#orders'] },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    });
    expect(statement.Action).not.toContain('dynamodb:DeleteItem');
    const { shell, out } = recordedShell();
    const argv = ['table', 'policy', 'my-leases', '--group', 'orders', '--region', 'eu-west-1'];
    expect(await runCli(argv, shell)).toBe(0);
    const [printed] = JSON.parse(out()).Statement;
    expect({ ...printed, Resource: '' }).toEqual({ ...statement, Resource: '' });
    expect(printed.Resource).toBe('arn:aws:dynamodb:eu-west-1:*:table/my-leases');
  });

  test('lets an operator also list the groups', () => {
    const template = synthesised((stack, worker) => new TenureTable(stack, 'Leases').grantOperate(worker, 'team-*'));
    const [policy] = resources(template, 'AWS::IAM::Policy');
    const statements = policy?.properties.PolicyDocument.Statement;
    expect(statements).toHaveLength(3);
    expect(statements[0].Condition).toMatchObject({
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['GROUP#team-*'] },
    });
  });
});
