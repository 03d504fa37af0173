import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import cdk from '../cdk.json' with { type: 'json' };
import { atRestTable, costAtRest, type Resource, totalOf } from './cost.ts';
import { checkSettings, type GivenSettings } from './settings.ts';
import { createStacks } from './stacks.ts';

/** `npm run cost`: brings the figures of a stage at rest in docs/cost.md up to date. */
function rowsOf(given: GivenSettings) {
  const app = new App({ context: { ...cdk.context, 'aws:cdk:bundling-stacks': [] } });
  const stack = createStacks(app, checkSettings(given));
  const { template } = app.synth().getStackArtifact(stack.artifactId);
  rmSync(app.outdir, { recursive: true });
  return costAtRest((template as { Resources: Record<string, Resource> }).Resources);
}

const rows = rowsOf({});
const more = totalOf(rowsOf({ monitoring: 'full' })) - totalOf(rows);
const file = join(import.meta.dirname, '..', 'docs', 'cost.md');
const page = readFileSync(file, 'utf8')
  .replace(/\| what \| a month \| price \|\n(\|.*\n)+/, () => `${atRestTable(rows)}\n`)
  .replace(/(`monitoring=full` adds )\$[\d.]+/, (_, words) => `${words}$${more.toFixed(2)}`);
writeFileSync(file, page);
