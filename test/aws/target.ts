import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askAws, defaultCredentials, defaultRegion } from '../../client/aws.ts';
import type { CredentialsProvider } from '../../client/transport.ts';
import { access, deleteStack, deploy } from '../ministack/deployment.ts';
import { startMiniStack } from '../ministack/server.ts';
import { forMiniStack } from '../ministack/stack.ts';

/** Where the stage is deployed: an account, or an emulator for a rehearsal. */
export interface Target {
  readonly name: 'AWS' | 'MiniStack';
  readonly region: string;
  readonly credentials: CredentialsProvider;
  /** Returns its outputs. */
  deploy(): Promise<Readonly<Record<string, string>>>;
  /** The API's address as clients there use it. */
  api(outputs: Readonly<Record<string, string>>): string;
  destroy(): Promise<void>;
  /** ARNs of what is still there of the stage. */
  leftovers(): Promise<string[]>;
  stop(): void;
}

export const stage = 'test-aws';
const stack = `tenure-${stage}`;
export const app = 'test/aws/app.ts';

export async function awsTarget(): Promise<Target> {
  const region = await defaultRegion();
  const folder = mkdtempSync(join(tmpdir(), 'tenure-aws-'));
  return {
    name: 'AWS',
    region,
    credentials: await defaultCredentials(),
    async deploy() {
      const outputs = join(folder, 'outputs.json');
      cdk('deploy', stack, '--require-approval', 'never', '--outputs-file', outputs);
      return JSON.parse(readFileSync(outputs, 'utf8'))[stack] as Record<string, string>;
    },
    api: ({ ApiUrl = '' }) => ApiUrl.replace(/\/$/, ''),
    destroy: async () => cdk('destroy', stack, '--force'),
    leftovers: () => taggedWith(region),
    stop: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function cdk(...args: string[]): void {
  const { status } = spawnSync('npx', ['cdk', ...args, '--app', `npx tsx ${app}`], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`cdk ${args[0]} ended with ${status}`);
}

/** Everything of a stage has its tag. */
async function taggedWith(region: string): Promise<string[]> {
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'ResourceGroupsTaggingAPI_20170126.GetResources',
  };
  const body = JSON.stringify({ TagFilters: [{ Key: 'tenure:stage', Values: [stage] }] });
  const { status, text } = await askAws({ service: 'tagging', region, method: 'POST', headers, body });
  if (status !== 200) throw new Error(`GetResources: ${status} ${text}`);
  const { ResourceTagMappingList = [] } = JSON.parse(text) as { ResourceTagMappingList?: { ResourceARN: string }[] };
  return ResourceTagMappingList.map(({ ResourceARN }) => ResourceARN);
}

/** Tagged resources, without deleted tables: MiniStack's CloudFormation leaves their tags behind. */
async function stillThere(region: string): Promise<string[]> {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.ListTables' };
  const { status, text } = await askAws({ service: 'dynamodb', region, method: 'POST', headers, body: '{}' });
  if (status !== 200) throw new Error(`ListTables: ${status} ${text}`);
  const { TableNames } = JSON.parse(text) as { TableNames: string[] };
  const deleted = (arn: string) => arn.includes(':table/') && !TableNames.includes(arn.split('/')[1] ?? '');
  return (await taggedWith(region)).filter((arn) => !deleted(arn));
}

/** The stage on MiniStack, which checks signatures, users and roles. */
export async function rehearsalTarget(): Promise<Target> {
  const server = await startMiniStack({ AUTH: 'true' });
  const { endpoint } = server;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: access.region,
    AWS_ACCESS_KEY_ID: access.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: access.credentials.secretAccessKey,
  });
  return {
    name: 'MiniStack',
    region: access.region,
    credentials: async () => access.credentials,
    async deploy() {
      const { outputs, status, reasons } = await deploy(endpoint, forMiniStack, app);
      if (status !== 'CREATE_COMPLETE') throw new Error(`The stack is ${status}: ${reasons.join('; ')}`);
      return outputs;
    },
    api: ({ ApiUrl = '' }) => `${endpoint}/_aws/execute-api/${/\/\/(\w+)\./.exec(ApiUrl)?.[1]}/$default`,
    destroy: () => deleteStack(endpoint, stack),
    leftovers: () => stillThere(access.region),
    stop: () => server.stop(),
  };
}
