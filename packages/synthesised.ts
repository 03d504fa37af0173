import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { App } from 'aws-cdk-lib';
import cdk from '../cdk.json' with { type: 'json' };
import type { GivenSettings } from '../infra/settings.ts';
import { dist } from './names.ts';

/** Synthesises a stack with the construct as it is packed, functions included; returns the cloud assembly. */
export async function synthesise(id: string, settings: GivenSettings) {
  const entry = pathToFileURL(join(dist, 'tenure-cdk/dist/infra/index.js')).href;
  const { TenureStack } = (await import(entry)) as typeof import('../infra/index.ts');
  // `cdk synth` and the tests make this check, which takes longer than all else.
  process.env['CDK_VALIDATION'] = 'false';
  const app = new App({
    outdir: mkdtempSync(join(dist, 'assembly-')),
    context: cdk.context,
    analyticsReporting: false,
  });
  new TenureStack(app, id, settings);
  return app.synth();
}
