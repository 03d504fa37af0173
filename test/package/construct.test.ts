import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';

const app = `import { App } from 'aws-cdk-lib';
import { TenureStack } from 'tenure-cdk';
new TenureStack(new App(), 'tenure-live', { stage: 'live' });
`;

test('tenure-cdk synthesises a stack in an empty folder, without esbuild and without our sources', () => {
  const folder = mkdtempSync(join(inject('consumer'), 'app-'));
  const found = createRequire(join(inject('consumer'), 'node_modules/tenure-cdk/dist/infra/index.js'));
  expect(() => found.resolve('esbuild')).toThrow('Cannot find module');
  writeFileSync(join(folder, 'app.mjs'), app);
  const env = { ...process.env, CDK_OUTDIR: join(folder, 'cdk.out'), CDK_VALIDATION: 'false' };
  const { status, stderr } = spawnSync(process.execPath, ['app.mjs'], { cwd: folder, env, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const { Resources, Outputs } = JSON.parse(readFileSync(join(folder, 'cdk.out/tenure-live.template.json'), 'utf8'));
  expect(Object.keys(Outputs)).toContain('ApiUrl');
  const functions = Object.values<{ Type: string }>(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  expect(functions.length).toBeGreaterThan(10);
  const bundles = readdirSync(join(folder, 'cdk.out')).filter((name) => name.startsWith('asset.'));
  expect(bundles.length).toBeGreaterThan(10);
  for (const name of bundles) expect(readdirSync(join(folder, 'cdk.out', name))).toContain('index.mjs');
});
