import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import cdk from '../cdk.json' with { type: 'json' };
import { describePermissions } from './permissions.ts';
import { readSettings } from './settings.ts';
import { createStacks } from './stacks.ts';

/** `npm run permissions`: brings docs/permissions.md up to date. */
const app = new App({ context: { ...cdk.context, 'aws:cdk:bundling-stacks': [] } });
const page = describePermissions(createStacks(app, readSettings(app.node)));
writeFileSync(join(import.meta.dirname, '..', 'docs', 'permissions.md'), page);
rmSync(app.outdir, { recursive: true });
