import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { unzipSync } from 'fflate';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import cdk from '../../cdk.json' with { type: 'json' };
import { TenureStack } from '../../infra/tenure-stack.ts';

const folder = () => join(inject('dist'), 'cloudformation');
const template = () => JSON.parse(readFileSync(join(folder(), 'template.json'), 'utf8'));

type Json = unknown;

/** CloudFormation's own work: the parameters in the places that name them. */
function filledIn(node: Json, parameters: Record<string, string>): Json {
  if (Array.isArray(node)) return node.map((one) => filledIn(one, parameters));
  if (node === null || typeof node !== 'object') return node;
  const { Ref: reference, 'Fn::Sub': text } = node as Record<string, unknown>;
  if (typeof reference === 'string' && reference in parameters) return parameters[reference];
  if (typeof text === 'string') {
    const names = [...text.matchAll(/\$\{(?!!)([^}]+)\}/g)].map(([, name = '']) => name);
    if (names.length === 0 || !names.every((name) => name in parameters)) return node;
    return text.replaceAll(/\$\{(?!!)([^}]+)\}/g, (_, name) => parameters[name] ?? '').replaceAll('${!', '${');
  }
  return Object.fromEntries(Object.entries(node).map(([name, member]) => [name, filledIn(member, parameters)]));
}

/** The CDK's template of a stage, without the parts for its own deployment. */
function synthesised(stage: string): Record<string, Json> {
  const outdir = mkdtempSync(join(tmpdir(), 'tenure-synth-'));
  onTestFinished(() => rmSync(outdir, { recursive: true, force: true }));
  const context = { ...cdk.context, 'aws:cdk:bundling-stacks': [] };
  const app = new App({ outdir, context, analyticsReporting: false });
  new TenureStack(app, 'tenure', { stage });
  const { Parameters, Rules, Description, ...rest } = app.synth().getStackByName('tenure').template;
  return rest;
}

/** The keys of assets follow the code, which is bundled here and not there. */
function withoutCode(node: Json): Json {
  const text = JSON.stringify(node, (name, value) => (name === 'Code' && value?.S3Key ? 'code' : value));
  return JSON.parse(text.replaceAll(/,?"Metadata":\{[^{}]*\}/g, ''));
}

describe('the template of npm run dist', () => {
  test('is the synthesised one once its parameters are filled in', () => {
    const { AWSTemplateFormatVersion, Parameters, Description, ...plain } = template();
    expect(Object.keys(Parameters)).toEqual(['Stage', 'AssetBucket', 'AssetPrefix']);
    expect(JSON.stringify(plain)).not.toMatch(/cdk-hnb|BootstrapVersion|zz-stage/);
    const filled = filledIn(plain, { Stage: 'live', AssetBucket: 'code', AssetPrefix: '' });
    expect(withoutCode(filled)).toEqual(withoutCode(synthesised('live')));
  });

  test('finds the code of each of its functions in assets/, and no other files are there', () => {
    const { Resources } = template();
    const functions = Object.values<{ Type: string; Properties: { Code: Json; Handler: string } }>(Resources).filter(
      ({ Type }) => Type === 'AWS::Lambda::Function',
    );
    const filled = functions.map(({ Properties }) =>
      filledIn(Properties.Code, { AssetBucket: 'b', AssetPrefix: 'p/' }),
    );
    const keys = filled.map((code) => (code as { S3Key: string }).S3Key);
    expect(keys.length).toBeGreaterThan(10);
    expect(new Set(keys)).toEqual(new Set(readdirSync(join(folder(), 'assets')).map((name) => `p/${name}`)));
    for (const key of keys) {
      const files = unzipSync(readFileSync(join(folder(), 'assets', key.slice(2))));
      expect(Buffer.from(files['index.mjs'] ?? []).toString(), key).toMatch(/\bhandler\b/);
    }
  });

  test('is deployed by a script that a shell can read', () => {
    const script = join(folder(), 'deploy.sh');
    expect(spawnSync('sh', ['-n', script]).status).toBe(0);
    expect(spawnSync(script, [], { encoding: 'utf8' })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('usage'),
    });
  });
});
