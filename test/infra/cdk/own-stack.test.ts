import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { blocksOf, readPage } from '../../support/docs/markdown.ts';
import { project } from '../../support/stack.ts';

const example = 'examples/own-stack/app.ts';

/** A folder elsewhere, with the construct among its node_modules, and next to it what an app with the CDK has. */
function otherProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-other-app-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const construct = join(folder, 'node_modules', 'tenure-cdk');
  mkdirSync(construct, { recursive: true });
  writeFileSync(join(construct, 'package.json'), JSON.stringify({ type: 'module', exports: './index.ts' }));
  writeFileSync(join(construct, 'index.ts'), `export * from ${JSON.stringify(join(project, 'infra/index.ts'))};`);
  for (const name of ['aws-cdk-lib', 'constructs'])
    symlinkSync(join(project, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'shop', type: 'module' }));
  copyFileSync(join(project, example), join(folder, 'app.ts'));
  return folder;
}

test('another app imports Tenure from the package and synthesises', () => {
  const folder = otherProject();
  const tsx = join(project, 'node_modules', 'tsx', 'dist', 'loader.mjs');
  const context = JSON.stringify({ 'aws:cdk:bundling-stacks': [] });
  const { stderr, status } = spawnSync(process.execPath, ['--import', tsx, 'app.ts'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, CDK_OUTDIR: join(folder, 'cdk.out'), CDK_CONTEXT_JSON: context, CDK_VALIDATION: 'false' },
  });
  expect(status, stderr).toBe(0);
  const template = JSON.parse(readFileSync(join(folder, 'cdk.out', 'shop.template.json'), 'utf8'));
  expect(Object.keys(template.Outputs)).toContain('TenureUrl');
  const types = Object.values<{ Type: string }>(template.Resources).map(({ Type }) => Type);
  expect(types.filter((type) => type === 'AWS::DynamoDB::Table')).toHaveLength(4);
  expect(types).toContain('AWS::ApiGatewayV2::Api');
});

test('the page shows the example', () => {
  const [shown] = blocksOf(readPage('docs/construct.md')).filter(({ language }) => language === 'ts');
  expect(readPage(example)).toContain(shown?.lines.join('\n'));
});
