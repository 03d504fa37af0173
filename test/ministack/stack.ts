/** The product on MiniStack, whose functions and callers are held to their policies. */
import { AwsClient } from 'aws4fetch';
import { TenureClient } from '../../client/index.ts';
import type { StackTemplate } from '../../emulator/cloudformation/assembly/read.ts';
import { access, type Deployed, deploy } from './deployment.ts';
import { startMiniStack } from './server.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface ProductStack extends Deployed {
  readonly endpoint: string;
  readonly api: { readonly id: string; readonly url: string };
  /** A client of the API with rights on everything, or with those of a user. */
  client(credentials?: Credentials): TenureClient;
  /** Makes a user with this policy. */
  user(name: string, policy: object): Promise<Credentials>;
  stop(): void;
}

export async function startProductStack(): Promise<ProductStack> {
  const server = await startMiniStack({ AUTH: 'true' });
  const { endpoint } = server;
  try {
    const deployed = await deploy(endpoint, forMiniStack);
    const id = /\/\/(\w+)\./.exec(deployed.outputs['ApiUrl'] ?? '')?.[1] ?? '';
    const url = `${endpoint}/_aws/execute-api/${id}/$default`;
    const iam = new AwsClient({ ...access.credentials, region: access.region, service: 'iam' });
    const call = async (Action: string, parameters: Record<string, string>) => {
      const body = new URLSearchParams({ Action, Version: '2010-05-08', ...parameters }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await iam.fetch(endpoint, { method: 'POST', headers, body });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${Action}: ${answer.status} ${text}`);
      return text;
    };
    return {
      ...deployed,
      ...server,
      api: { id, url },
      client: (credentials = access.credentials) =>
        new TenureClient({ url, region: access.region, credentials: async () => credentials, deadlineMs: 60_000 }),
      async user(UserName, policy) {
        await call('CreateUser', { UserName });
        await call('PutUserPolicy', { UserName, PolicyName: 'tenure', PolicyDocument: JSON.stringify(policy) });
        const made = await call('CreateAccessKey', { UserName });
        const [accessKeyId = '', secretAccessKey = ''] = ['AccessKeyId', 'SecretAccessKey'].map(
          (name) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(made)?.[1] ?? '',
        );
        return { accessKeyId, secretAccessKey };
      },
    };
  } catch (error) {
    server.stop();
    throw error;
  }
}

/** The template without what MiniStack does otherwise than AWS: each by the name of its gap. */
export const forMiniStack = (template: StackTemplate['template']): StackTemplate['template'] =>
  withoutCustomResources(withOpenTokens(withoutTls(withNumericTimeouts(template))));

/** See the gap "custom resources"; deletions then empty buckets by hand. */
function withoutCustomResources(template: StackTemplate['template']): StackTemplate['template'] {
  const { Resources = {} } = template;
  const custom = Object.keys(Resources).filter((id) => Resources[id]?.Type.startsWith('Custom::'));
  for (const id of custom) delete Resources[id];
  return template;
}

/** As the input of each execution has them; see the gap "timeouts in JSONata". */
const seconds: Record<string, number> = { answerSeconds: 30, abandonSeconds: 60, runSeconds: 86_400 };

/** @throws Error for a timeout that the input of an execution has and this file does not know. */
function withNumericTimeouts(template: StackTemplate['template']): StackTemplate['template'] {
  for (const { Type, Properties = {} } of Object.values(template.Resources ?? {})) {
    if (Type !== 'AWS::StepFunctions::StateMachine') continue;
    // The definition is JSON within the JSON of the template.
    const definition = JSON.stringify(Properties['DefinitionString']).replaceAll(
      /(\\"(?:Timeout|Heartbeat)Seconds\\":)\\"\{% \$states\.context\.Execution\.Input\.(\w+) %\}\\"/g,
      (_, field: string, name: string) => {
        if (seconds[name] === undefined) throw new Error(`No number for ${name} in test/ministack/stack.ts`);
        return `${field}${seconds[name]}`;
      },
    );
    Properties['DefinitionString'] = JSON.parse(definition);
  }
  return template;
}

/** The emulator speaks HTTP, which the policies of buckets and queues refuse, and it holds them. */
function withoutTls(template: StackTemplate['template']): StackTemplate['template'] {
  for (const { Type, Properties = {} } of Object.values(template.Resources ?? {})) {
    if (Type !== 'AWS::S3::BucketPolicy' && Type !== 'AWS::SQS::QueuePolicy') continue;
    const document = Properties['PolicyDocument'] as { Statement: { Effect: string; Condition?: object }[] };
    document.Statement = document.Statement.filter(
      ({ Effect, Condition }) => Effect !== 'Deny' || !/SecureTransport|TlsVersion/.test(JSON.stringify(Condition)),
    );
  }
  return template;
}

interface Statement {
  Action: string | string[];
  Resource: unknown;
}

/** See the gap "task tokens". */
function withOpenTokens(template: StackTemplate['template']): StackTemplate['template'] {
  for (const { Type, Properties = {} } of Object.values(template.Resources ?? {})) {
    if (Type !== 'AWS::IAM::Policy') continue;
    for (const statement of (Properties['PolicyDocument'] as { Statement: Statement[] }).Statement) {
      if ([statement.Action].flat().every((action) => action.startsWith('states:SendTask'))) statement.Resource = '*';
    }
  }
  return template;
}
