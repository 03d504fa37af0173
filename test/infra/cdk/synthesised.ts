import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import cdk from '../../../cdk.json' with { type: 'json' };
import { readSettings } from '../../../infra/settings.ts';
import { createStacks } from '../../../infra/stacks.ts';

// CloudFormation's own rules take seconds to load; rules.test.ts runs them.
process.env['CDK_VALIDATION'] = 'false';

const folder = mkdtempSync(join(tmpdir(), 'tenure-synth-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** The app as `cdk synth -c …` would build it, with the functions left unbundled. */
export function newApp(context: Record<string, unknown> = {}) {
  const outdir = mkdtempSync(join(folder, 'app-'));
  const app = new App({ outdir, context: { ...cdk.context, 'aws:cdk:bundling-stacks': [], ...context } });
  return { app, stack: createStacks(app, readSettings(app.node)) };
}

const templates = new Map<string, Template>();

/** Synthesised once for each context: nobody changes a template. */
export function templateOf(context: Record<string, unknown> = {}): Template {
  const key = JSON.stringify(context);
  const template = templates.get(key) ?? Template.fromStack(newApp(context).stack as Stack);
  templates.set(key, template);
  return template;
}

/** The resources of a type with what the tests look at; `properties` are as in the template. */
export function resources(template: Template, type: string) {
  return Object.entries(template.findResources(type)).map(([id, resource]) => ({
    id,
    properties: resource['Properties'],
    dependsOn: resource['DependsOn'] as string[] | undefined,
    /** Its fate when it leaves the stack or is replaced. */
    policies: [resource['DeletionPolicy'], resource['UpdateReplacePolicy']] as (string | undefined)[],
  }));
}

/** The one resource of a type that a reference, or an attribute, names. */
export function referred(template: Template, type: string, reference: unknown) {
  const ids = [...text(reference).matchAll(/\$\{(\w+)(\.\w+)?\}/g)].map(([, id]) => id);
  const found = resources(template, type).find(({ id }) => ids.includes(id));
  if (!found) throw new Error(`${text(reference)} names no ${type}`);
  return found;
}

/** As infra/tenure-service.ts calls the function, without hyphens: a logical id has none. */
export function functionName(template: Template, reference: unknown): string | undefined {
  return nameIn(referred(template, 'AWS::Lambda::Function', reference).id);
}

function nameIn(logicalId: string): string | undefined {
  return /^TenureService([a-z]+)/.exec(logicalId)?.[1];
}

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource?: unknown;
  Condition?: unknown;
}

export interface Permission {
  role: string;
  action: string;
  resource: string;
}

/** The roles' rights, action by action. Policies of buckets, queues and topics are not among them. */
export function permissions(template: Template): Permission[] {
  const attached = resources(template, 'AWS::IAM::Policy').flatMap(({ properties }) =>
    properties.Roles.flatMap(({ Ref }: { Ref: string }) => granted(Ref, properties.PolicyDocument)),
  );
  const inline = resources(template, 'AWS::IAM::Role').flatMap(({ id, properties }) =>
    (properties.Policies ?? []).flatMap((policy: { PolicyDocument: Document }) => granted(id, policy.PolicyDocument)),
  );
  return [...attached, ...inline];
}

interface Document {
  Statement: Statement[];
}

function granted(role: string, { Statement }: Document): Permission[] {
  return Statement.flatMap(({ Action, Resource }) =>
    [Action]
      .flat()
      .flatMap((action) => [Resource].flat().map((resource) => ({ role, action, resource: text(resource) }))),
  );
}

/** A function's rights. */
export function permissionsOf(template: Template, name: string): Permission[] {
  const found = resources(template, 'AWS::Lambda::Function').find(({ id }) => nameIn(id) === name);
  if (!found) throw new Error(`There is no function ${name}`);
  const { id } = referred(template, 'AWS::IAM::Role', found.properties.Role);
  return permissions(template).filter(({ role }) => role === id);
}

/** A property's value on one line, references as ${LogicalId} or ${LogicalId.Attribute}. */
export function text(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const node = value as { Ref?: string; 'Fn::GetAtt'?: string[]; 'Fn::Join'?: [string, unknown[]] };
  if (node.Ref) return `\${${node.Ref}}`;
  if (node['Fn::GetAtt']) return `\${${node['Fn::GetAtt'].join('.')}}`;
  if (node['Fn::Join']) return node['Fn::Join'][1].map(text).join(node['Fn::Join'][0]);
  return JSON.stringify(value);
}
