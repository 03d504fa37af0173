/** `npm run cost`: computes the tables and amounts of docs/cost.md from the template and the counted units. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import cdk from '../cdk.json' with { type: 'json' };
import type { Resource } from './cost.ts';
import { computed } from './cost-page.ts';
import { checkSettings, type GivenSettings } from './settings.ts';
import { createStacks } from './stacks.ts';

function resourcesOf(given: GivenSettings): Record<string, Resource> {
  const app = new App({ context: { ...cdk.context, 'aws:cdk:bundling-stacks': [] } });
  const stack = createStacks(app, checkSettings(given));
  const { template } = app.synth().getStackArtifact(stack.artifactId);
  rmSync(app.outdir, { recursive: true });
  return (template as { Resources: Record<string, Resource> }).Resources;
}

const file = join(import.meta.dirname, '..', 'docs', 'cost.md');
const page = readFileSync(file, 'utf8');
writeFileSync(file, computed(page, resourcesOf({}), resourcesOf({ monitoring: 'full' })));
