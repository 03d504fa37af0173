import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Command } from 'commander';
import { expect, onTestFinished, test } from 'vitest';
import { initCommand } from '../../../cli/init.ts';
import type { Shell } from '../../../cli/shell.ts';
import { configFile, readStage } from '../../../infra/config-file.ts';

test('init writes the settings that cdk deploy reads, and never over those that are there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-init-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const lines: string[] = [];
  const init = () => {
    const program = new Command();
    initCommand(program, { out: (line: string) => lines.push(line) } as unknown as Shell);
    return program.parseAsync(['init', '--folder', folder], { from: 'user' });
  };
  await init();
  expect(lines).toEqual([`wrote ${join(folder, configFile)} with the stages dev and prod`]);
  expect(readStage(folder, new App({ context: { stage: 'prod' } }).node)).toMatchObject({ stage: 'prod', replicas: 3 });
  const written = readFileSync(join(folder, configFile), 'utf8');
  await expect(init()).rejects.toThrow(`${join(folder, configFile)} exists; change it, or remove it first.`);
  expect(readFileSync(join(folder, configFile), 'utf8')).toBe(written);
});
