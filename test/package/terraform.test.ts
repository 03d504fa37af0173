import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';

const { TF_CLI_CONFIG_FILE, ...env } = process.env;
const terraform = (folder: string, ...argv: string[]) =>
  spawnSync('terraform', [`-chdir=${folder}`, ...argv], { encoding: 'utf8', env, timeout: 60_000 });

const module = () => join(inject('dist'), 'terraform');

test('the Terraform module has template and assets next to it, and names outputs that the template has', () => {
  const { Outputs, Parameters } = JSON.parse(readFileSync(join(module(), 'template.json'), 'utf8'));
  const asked = [...readFileSync(join(module(), 'outputs.tf'), 'utf8').matchAll(/outputs\["(\w+)"\]/g)];
  expect(asked.length).toBeGreaterThan(2);
  for (const [, name = ''] of asked) expect(Object.keys(Outputs)).toContain(name);
  const given = /parameters = \{([^}]*)\}/.exec(readFileSync(join(module(), 'main.tf'), 'utf8'))?.[1] ?? '';
  expect([...given.matchAll(/(\w+) +=/g)].map(([, name]) => name)).toEqual(Object.keys(Parameters));
  expect(existsSync(join(module(), 'assets'))).toBe(true);
});

test('Terraform accepts the module', ({ skip }) => {
  if (spawnSync('terraform', ['-version']).error)
    skip('terraform is missing: https://developer.hashicorp.com/terraform');
  expect(terraform(module(), 'fmt', '-check', '-diff').stdout).toBe('');
  const folder = mkdtempSync(join(tmpdir(), 'tenure-terraform-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(module(), folder, { recursive: true });
  const init = terraform(folder, 'init', '-backend=false', '-no-color', '-input=false');
  if (init.status !== 0 && /could not connect to registry|lookup registry/.test(init.stderr)) {
    console.log('left out: terraform validate, since the registry with its AWS provider cannot be reached');
    return;
  }
  expect(init.status, init.stderr).toBe(0);
  expect(terraform(folder, 'validate', '-no-color')).toMatchObject({ status: 0 });
});
