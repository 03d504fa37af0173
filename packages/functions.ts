import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { bundle } from '../infra/bundle.ts';
import { Tenure } from '../infra/tenure.ts';
import { TenureFunction } from '../infra/tenure-function.ts';

/** Bundles every function that the construct deploys into the folder, each under the name of its entry; returns it. */
export function bundleFunctions(folder: string): string {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const tenure = new Tenure(new Stack(app, 'any'), 'Tenure');
  const functions = tenure.node.findAll().filter((construct) => construct instanceof TenureFunction);
  for (const [entry, { beside }] of new Map(functions.map((one) => [one.entry, one]))) {
    const place = join(folder, entry.replace(/\.ts$/, ''));
    mkdirSync(place, { recursive: true });
    bundle(entry, place, beside);
  }
  rmSync(app.outdir, { recursive: true, force: true });
  return folder;
}
