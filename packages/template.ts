/** A template for those who deploy without the CDK: what `cdk synth` makes, with parameters in the place of values. */

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type Members = Readonly<Record<string, Json>>;

/** Stands for the stage while the template is synthesised; no other value has it. */
export const stageOfTemplate = 'zz-stage-zz';

const parameters: Members = {
  Stage: {
    Type: 'String',
    Default: 'prod',
    AllowedPattern: '^[a-z][a-z0-9-]{0,15}$',
    Description: 'Names the deployment: several stages live side by side in one account',
  },
  AssetBucket: {
    Type: 'String',
    Description: 'Bucket in this Region that holds the files of assets/',
  },
  AssetPrefix: {
    Type: 'String',
    Default: '',
    Description: 'Prefix of their keys, including the slash at its end, if any',
  },
};

/** The template without what only the CDK reads, and with the parameters Stage, AssetBucket and AssetPrefix. */
export function plainTemplate(synthesised: Members): Members {
  const { Parameters: _bootstrap, Rules: _versionOfBootstrap, ...rest } = synthesised;
  const { Resources, ...others } = parametrised(rest) as { Resources: Members };
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    ...others,
    Description: 'Tenure: leadership, jobs, logs and backups',
    Parameters: parameters,
    Resources: Object.fromEntries(Object.entries(Resources).map(([id, one]) => [id, withoutCdk(one as Members)])),
  };
}

function parametrised(node: Json): Json {
  if (typeof node === 'string') return node.includes(stageOfTemplate) ? { 'Fn::Sub': substituting(node) } : node;
  if (Array.isArray(node)) return node.map(parametrised);
  if (node === null || typeof node !== 'object') return node;
  const members = node as Members;
  if (typeof members['S3Key'] === 'string') {
    return { S3Bucket: { Ref: 'AssetBucket' }, S3Key: { 'Fn::Sub': `\${AssetPrefix}${members['S3Key']}` } };
  }
  if (typeof members['Fn::Sub'] === 'string') {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's placeholder
    return { 'Fn::Sub': members['Fn::Sub'].replaceAll(stageOfTemplate, '${Stage}') };
  }
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, parametrised(member)]));
}

/** The text as Fn::Sub has to read it to give it back, with the parameter in it. */
function substituting(text: string): string {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's placeholder
  return text.replaceAll('${', '${!').replaceAll(stageOfTemplate, '${Stage}');
}

function withoutCdk({ Metadata, ...resource }: Members): Members {
  const kept = Object.entries((Metadata ?? {}) as Members).filter(([name]) => !/^(aws:|cdk_nag)/.test(name));
  return kept.length > 0 ? { ...resource, Metadata: Object.fromEntries(kept) } : resource;
}
