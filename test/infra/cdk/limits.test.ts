import type { Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { newApp, permissions, resources, templateOf, text } from './synthesised.ts';

/** Every limit of AWS that a template can meet, with a quarter of it left for what comes. */
const share = 0.75;

const variants = [
  {},
  { monitoring: 'full', replicas: '5', replicaRegions: 'us-west-2,eu-west-1', restoreSources: 's3://archive/tenure/' },
].map((context) => templateOf(context));

function expectBelow(what: string, value: number, limit: number): void {
  expect(value, `${what}: ${value} of ${limit}`).toBeLessThanOrEqual(limit * share);
}

test('a template stays below what CloudFormation takes: its size, resources, outputs', () => {
  for (const template of variants) {
    const all = template.toJSON();
    expectBelow('bytes of the template', JSON.stringify(all).length, 1_048_576);
    expectBelow('resources', Object.keys(all['Resources']).length, 500);
    expectBelow('outputs', Object.keys(all['Outputs']).length, 200);
  }
});

test("a role's policies stay below what IAM takes, references at their longest", () => {
  for (const template of variants) {
    const roles = new Map<string, number>();
    for (const { role, action, resource } of permissions(template)) {
      const longest = resource.replaceAll(/\$\{[^}]+\}/g, 'x'.repeat(110));
      roles.set(role, (roles.get(role) ?? 0) + action.length + longest.length + 8);
    }
    for (const [role, characters] of roles) expectBelow(`policies of ${role}`, characters / 2, 10_240);
  }
});

test('environments and definitions stay below what Lambda and Step Functions take', () => {
  for (const template of variants) {
    for (const { id, properties } of resources(template, 'AWS::Lambda::Function')) {
      const variables = Object.entries(properties.Environment.Variables as Record<string, unknown>);
      const bytes = variables.map(
        ([name, value]) => name.length + text(value).replaceAll(/\$\{[^}]+\}/g, 'x'.repeat(110)).length,
      );
      expectBelow(
        `environment of ${id}`,
        bytes.reduce((sum, one) => sum + one, 0),
        4_096,
      );
    }
    for (const { id, properties } of resources(template, 'AWS::StepFunctions::StateMachine'))
      expectBelow(`definition of ${id}`, text(properties.DefinitionString).length, 1_048_576);
  }
});

test('an API has fewer routes, a mapping fewer filters, than AWS takes', () => {
  for (const template of variants) {
    expectBelow('routes', resources(template, 'AWS::ApiGatewayV2::Route').length, 300);
    expectBelow('integrations', resources(template, 'AWS::ApiGatewayV2::Integration').length, 300);
    // Five is all that Lambda takes; the tests of events say so.
    for (const { properties } of resources(template, 'AWS::Lambda::EventSourceMapping'))
      expect(properties.FilterCriteria.Filters.length).toBeLessThanOrEqual(5);
  }
});

test('settings above what AWS gives an account are warned of at synth, the defaults are not', () => {
  const warnings = (context: Record<string, string>) =>
    Annotations.fromStack(newApp(context).stack as Stack)
      .findWarning('*', Match.stringLikeRegexp('Service Quotas'))
      .map(({ entry }) => String(entry.data));
  expect(warnings({})).toEqual([]);
  const [api, lambda, ...more] = warnings({
    throttles: 'lease=20000/6000',
    reservedConcurrency: 'lease=800,operate=101',
  });
  expect(api).toContain(
    'throttles lease=20000/6000 is above what API Gateway gives an account in a Region, 10000/5000',
  );
  expect(lambda).toContain('reservedConcurrency sets 901 apart');
  expect(more).toEqual([]);
});
