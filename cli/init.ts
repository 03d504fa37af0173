import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from './exit.ts';
import { print } from './output.ts';
import type { Shell } from './shell.ts';

/** As infra/config-file.ts reads it. */
const file = 'tenure.config.json';

/** Settings for a first deployment; all else has a default (docs/operations.md). */
const content = { stages: { dev: {}, prod: { replicas: 3, payloadUndeleteDays: 1, monitoring: 'essential' } } };

export function initCommand(program: Command, shell: Shell): void {
  program
    .command('init')
    .description(`write ${file}, which cdk deploy reads the settings of each stage from`)
    .option('--folder <folder>', 'where the CDK app is', '.')
    .option('--json', 'machine-readable output')
    .action(({ folder, ...options }: { folder: string; json?: boolean }) => {
      const path = join(resolve(folder), file);
      if (existsSync(path)) throw new UsageError(`${path} exists; change it, or remove it first.`);
      writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
      const stages = Object.keys(content.stages);
      print(shell, options, { file: path, stages }, () => `wrote ${path} with the stages ${stages.join(' and ')}`);
    });
}
