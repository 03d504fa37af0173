import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface TemplateResource {
  Type: string;
  Properties?: Record<string, unknown>;
  Condition?: string;
  Metadata?: Record<string, unknown>;
}

export interface Template {
  Parameters?: Record<string, { Type: string; Default?: unknown }>;
  Mappings?: Record<string, Record<string, Record<string, unknown>>>;
  Conditions?: Record<string, unknown>;
  Resources?: Record<string, TemplateResource>;
  Outputs?: Record<string, { Value: unknown; Condition?: string; Export?: { Name: unknown } }>;
}

export interface StackTemplate {
  name: string;
  account: string;
  region: string;
  template: Template;
  /** Folder of each file asset, by the object key under which a deployment would upload it. */
  assets: Map<string, string>;
}

export interface Resource {
  stack: StackTemplate;
  logicalId: string;
  type: string;
  /** Where the construct stands in the CDK app, for messages. */
  path: string;
}

interface Artifact {
  type: string;
  environment?: string;
  displayName?: string;
  properties?: { templateFile?: string; stackName?: string; directoryName?: string };
}

interface AssetManifest {
  files: Record<string, { source: { path: string }; destinations: Record<string, { objectKey: string }> }>;
}

export const localAccount = '000000000000';
export const localRegion = 'us-east-1';

/** Reads every stack of a cloud assembly, those of nested CDK stages included. */
export async function readAssembly(folder: string): Promise<StackTemplate[]> {
  const { artifacts = {} } = await readJson<{ artifacts?: Record<string, Artifact> }>(join(folder, 'manifest.json'));
  const stacks: StackTemplate[] = [];
  for (const [id, { type, environment, properties = {} }] of Object.entries(artifacts)) {
    if (type === 'cdk:cloud-assembly')
      stacks.push(...(await readAssembly(join(folder, properties.directoryName ?? id))));
    if (type !== 'aws:cloudformation:stack') continue;
    const [account, region] = (environment ?? '').replace('aws://', '').split('/');
    stacks.push({
      name: properties.stackName ?? id,
      account: known(account) ?? localAccount,
      region: known(region) ?? localRegion,
      template: await readJson<Template>(join(folder, properties.templateFile ?? `${id}.template.json`)),
      assets: await assetsOf(folder, `${id}.assets`, artifacts),
    });
  }
  return stacks;
}

function known(part: string | undefined): string | undefined {
  return part && !part.startsWith('unknown-') ? part : undefined;
}

async function assetsOf(folder: string, id: string, artifacts: Record<string, Artifact>): Promise<Map<string, string>> {
  const assets = new Map<string, string>();
  if (!artifacts[id]) return assets;
  const { files } = await readJson<AssetManifest>(join(folder, `${id}.json`));
  for (const { source, destinations } of Object.values(files)) {
    for (const { objectKey } of Object.values(destinations)) assets.set(objectKey, join(folder, source.path));
  }
  return assets;
}

async function readJson<Content>(file: string): Promise<Content> {
  return JSON.parse(await readFile(file, 'utf8')) as Content;
}
