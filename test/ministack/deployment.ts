/** The synthesised template, deployed on MiniStack as `cdk deploy` would: its assets uploaded, its stack created. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CloudFormationClient,
  CreateStackCommand,
  type CreateStackCommandInput,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  paginateListStackResources,
  type Stack,
  UpdateStackCommand,
} from '@aws-sdk/client-cloudformation';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { readAssembly, type StackTemplate } from '../../emulator/cloudformation/assembly/read.ts';
import { synthesise } from '../../emulator/cloudformation/assembly/synthesise.ts';
import { project, synthCache } from '../support/stack.ts';

export const access = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
} as const;

export interface Deployed {
  readonly template: StackTemplate;
  readonly outputs: Readonly<Record<string, string>>;
  /** Logical ids by their status. */
  readonly resources: readonly {
    readonly id: string;
    readonly type: string;
    readonly status: string;
  }[];
  /** The emulator's reasons for those that failed. */
  readonly reasons: readonly string[];
  readonly status: string;
}

const deployMs = 300_000;

export async function deploy(
  endpoint: string,
  adapt: (template: StackTemplate['template']) => StackTemplate['template'] = (same) => same,
  app = 'infra/app.ts',
): Promise<Deployed> {
  const { folder } = await synthesise(project, app, synthCache, () => {});
  const [template] = await readAssembly(folder);
  if (!template) throw new Error('The app has no stack');
  const formation = new CloudFormationClient({ endpoint, ...access });
  const StackName = template.name;
  // Above 51,200 bytes a template is read from a bucket, as the CDK has it.
  const TemplateURL = await upload(endpoint, template, JSON.stringify(adapt(withoutBootstrap(template))));
  const input = {
    StackName,
    TemplateURL,
    Capabilities: ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'],
    DisableRollback: true,
  } satisfies CreateStackCommandInput;
  const before = await stackOf(formation, StackName);
  await formation.send(before ? new UpdateStackCommand(input) : new CreateStackCommand(input));
  const stack = await settled(formation, StackName, before?.StackStatus);
  const resources = [];
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client: formation }, { StackName }))
    resources.push(...StackResourceSummaries);
  const { StackEvents = [] } = await formation.send(new DescribeStackEventsCommand({ StackName }));
  formation.destroy();
  return {
    template,
    status: stack.StackStatus ?? '',
    outputs: Object.fromEntries((stack.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])),
    resources: resources.map((one) => ({
      id: one.LogicalResourceId ?? '',
      type: one.ResourceType ?? '',
      status: one.ResourceStatus ?? '',
    })),
    reasons: StackEvents.filter(({ ResourceStatus }) => ResourceStatus?.endsWith('_FAILED')).map(
      ({ LogicalResourceId, ResourceStatusReason }) => `${LogicalResourceId}: ${ResourceStatusReason}`,
    ),
  };
}

/** @throws Error when the stack is not gone within five minutes */
export async function deleteStack(endpoint: string, StackName: string): Promise<void> {
  const formation = new CloudFormationClient({ endpoint, ...access });
  try {
    await formation.send(new DeleteStackCommand({ StackName }));
    for (const until = Date.now() + deployMs; Date.now() < until; ) {
      const stack = await stackOf(formation, StackName);
      if (!stack || stack.StackStatus === 'DELETE_COMPLETE') return;
      if (stack.StackStatus === 'DELETE_FAILED') throw new Error(`${StackName}: ${stack.StackStatusReason}`);
      await pause(250);
    }
    throw new Error(`The stack ${StackName} was not deleted within ${deployMs / 1_000} s`);
  } finally {
    formation.destroy();
  }
}

/** A fresh emulator has no bootstrap stack whose version could be checked. */
function withoutBootstrap({ template }: StackTemplate): StackTemplate['template'] {
  const { Parameters, Rules, ...rest } = structuredClone(template) as typeof template & { Rules?: object };
  return rest;
}

/** The stack once it is no longer under way, nor as it was before. */
async function settled(formation: CloudFormationClient, StackName: string, before?: string): Promise<Stack> {
  for (const until = Date.now() + deployMs; Date.now() < until; ) {
    const stack = await stackOf(formation, StackName);
    if (stack && stack.StackStatus !== before && !stack.StackStatus?.endsWith('IN_PROGRESS')) return stack;
    await pause(250);
  }
  throw new Error(`The stack ${StackName} was not deployed within ${deployMs / 1_000} s`);
}

async function stackOf(formation: CloudFormationClient, StackName: string): Promise<Stack | undefined> {
  try {
    return (await formation.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError') return undefined;
    throw error;
  }
}

/** Each asset as a ZIP file, which Python, that MiniStack needs, packs; returns the URL of the template. */
async function upload(endpoint: string, { assets, account, region }: StackTemplate, body: string): Promise<string> {
  const s3 = new S3Client({ endpoint, ...access, forcePathStyle: true });
  const Bucket = `cdk-hnb659fds-assets-${account}-${region}`;
  await s3.send(new CreateBucketCommand({ Bucket }));
  const folder = mkdtempSync(join(tmpdir(), 'tenure-assets-'));
  try {
    for (const [Key, path] of assets) {
      if (!Key.endsWith('.zip')) continue;
      const file = join(folder, Key);
      const packed = spawnSync('python3', ['-m', 'zipfile', '-c', file, '.'], { cwd: path, encoding: 'utf8' });
      if (packed.status !== 0) throw new Error(`python3 -m zipfile failed: ${packed.stderr}`);
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: readFileSync(file) }));
    }
    await s3.send(new PutObjectCommand({ Bucket, Key: 'template.json', Body: body }));
    return `${endpoint}/${Bucket}/template.json`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    s3.destroy();
  }
}
