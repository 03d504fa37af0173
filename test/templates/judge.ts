/**
 * `npm test -- cfn-lint checkov`: what others say of the templates, every variant of them. `.ci/run` installs both;
 * where one is missing, npm test leaves it out by name.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import cdk from '../../cdk.json' with { type: 'json' };
import { readSettings } from '../../infra/settings.ts';
import { createStacks } from '../../infra/stacks.ts';
import { variants } from './variants.ts';

process.env['CDK_VALIDATION'] = 'false';

/** Of checkov, what is not for this product, and why. */
const notForUs: Record<string, string> = {
  CKV_AWS_18: 'the one bucket without an access log holds access logs',
  CKV_AWS_21: 'the one bucket without versions holds access logs',
  CKV_AWS_26: 'alarms hold nothing secret; CloudWatch can publish only to a topic whose key its customer opens to it',
  CKV_AWS_27: 'encrypted by SQS itself; EventBridge and Scheduler write to it',
  CKV_AWS_115: 'a setting, reservedConcurrency: a new account has none to spare',
  CKV_AWS_116: 'what is called asynchronously has a destination for failures, the rest has a caller who is told',
  CKV_AWS_117: 'DynamoDB, S3 and Step Functions are reached without a VPC, which would cost more than all else',
  CKV_AWS_119: 'a setting, kmsKeyArn',
  CKV_AWS_158: 'encrypted by CloudWatch; lines hold no payload, token or secret',
  CKV_AWS_173: 'environments name tables and buckets, and hold no secret',
};

const judges: Record<string, (files: string[]) => string[]> = {
  'cfn-lint': (files) => ['--non-zero-exit-code', 'warning', '--', ...files],
  checkov: (files) => [
    ...['--framework', 'cloudformation', '--compact', '--quiet', '--skip-download'],
    ...['--skip-check', Object.keys(notForUs).join(',')],
    ...files.flatMap((file) => ['--file', file]),
  ],
};

const [command = ''] = process.argv.slice(2);
const args = judges[command];
if (!args) throw new Error(`Name one of ${Object.keys(judges).join(', ')}, not "${command}"`);

const folder = mkdtempSync(join(tmpdir(), 'tenure-templates-'));
const files = variants.flatMap((context, at) => {
  const outdir = join(folder, String(at));
  const app = new App({ outdir, context: { ...cdk.context, 'aws:cdk:bundling-stacks': [], ...context } });
  createStacks(app, readSettings(app.node));
  app.synth();
  return readdirSync(outdir)
    .filter((name) => name.endsWith('.template.json'))
    .map((name) => join(outdir, name));
});

const { status, stdout, stderr } = spawnSync(command, args(files), { encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 });
rmSync(folder, { recursive: true, force: true });
console.log(`${command}: ${files.length} templates, ${status === 0 ? 'nothing found' : 'findings:'}`);
if (status !== 0) console.log(stdout.slice(0, 20_000), stderr.slice(-2_000));
process.exitCode = status ?? 1;
