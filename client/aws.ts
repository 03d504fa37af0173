/** Requests to AWS besides the API: credentials, the Region and the outputs of a stack. Not in a browser. */
import { TenureError } from './tenure-error.ts';
import type { CredentialsProvider } from './transport.ts';

/** The default chain of the AWS SDKs: environment, profile, single sign-on, container, instance. */
export async function defaultCredentials(): Promise<CredentialsProvider> {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  return defaultProvider();
}

/** The Region of the environment or of the profile. @throws Error when neither names one. */
export async function defaultRegion(): Promise<string> {
  const config = await import('@smithy/core/config');
  return config.loadConfig(config.NODE_REGION_CONFIG_OPTIONS, config.NODE_REGION_CONFIG_FILE_OPTIONS)();
}

/** A request to a service of AWS; small enough that no client of an SDK is needed. */
export interface AwsRequest {
  /** As in its host name. */
  readonly service: string;
  readonly region: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

const requestTimeoutMs = 10_000;

/** By the name in a host, that in an environment variable. */
const serviceIds: Readonly<Record<string, string>> = {
  cloudformation: 'CLOUDFORMATION',
  lambda: 'LAMBDA',
  logs: 'CLOUDWATCH_LOGS',
  servicequotas: 'SERVICE_QUOTAS',
};

/** Sends it signed; AWS_ENDPOINT_URL_SERVICE and AWS_ENDPOINT_URL redirect it, as they do the SDKs. */
export async function askAws(request: AwsRequest): Promise<{ readonly status: number; readonly text: string }> {
  const { service, region, method, path = '/', headers = {}, body } = request;
  const { env } = process;
  const variable = serviceIds[service] ?? '';
  const endpoint =
    env[`AWS_ENDPOINT_URL_${variable}`] || env['AWS_ENDPOINT_URL'] || `https://${service}.${region}.amazonaws.com`;
  const { AwsV4Signer } = await import('aws4fetch');
  const { accessKeyId, secretAccessKey, sessionToken } = await (await defaultCredentials())();
  const signed = await new AwsV4Signer({
    method,
    url: `${endpoint.replace(/\/+$/, '')}${path}`,
    headers: { ...headers },
    body: body ?? null,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    service,
    region,
  }).sign();
  const signal = AbortSignal.any([AbortSignal.timeout(requestTimeoutMs), ...(request.signal ? [request.signal] : [])]);
  const answer = await fetch(signed.url, { method, headers: signed.headers, signal, ...(body && { body }) });
  return { status: answer.status, text: await answer.text() };
}

/** The outputs of a CloudFormation stack, and the Region in which it was found. */
export interface StackOutputs {
  readonly outputs: ReadonlyMap<string, string>;
  readonly region: string;
}

/** @throws TenureError `not_found` when there is no such stack, `unreachable` when it cannot be read. */
export async function readStack(stack: string, region?: string): Promise<StackOutputs> {
  const request = `DescribeStacks ${stack}`;
  const advice = 'Check its name, the Region and the AWS credentials.';
  try {
    const place = region ?? (await defaultRegion());
    const body = new URLSearchParams({ Action: 'DescribeStacks', Version: '2010-05-15', StackName: stack }).toString();
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const { status, text } = await askAws({ service: 'cloudformation', region: place, method: 'POST', headers, body });
    if (status === 200) return { outputs: outputsIn(text), region: place };
    const why = elementOf(text, 'Message') ?? elementOf(text, 'message') ?? `status ${status}`;
    const missing = elementOf(text, 'Code') === 'ValidationError';
    const facts = missing ? { code: 'not_found', retryable: false } : { code: 'unreachable', retryable: true };
    throw new TenureError(`The stack ${stack} cannot be read: ${why}. ${advice}`, { ...facts, status, request });
  } catch (cause) {
    if (cause instanceof TenureError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const facts = { code: 'unreachable', status: 0, retryable: true, request };
    throw new TenureError(`The stack ${stack} cannot be read: ${why}. ${advice}`, facts, { cause });
  }
}

/** The answer is XML of a fixed form; values hold no elements of their own. */
function outputsIn(xml: string): Map<string, string> {
  const [, list = ''] = /<Outputs>([\s\S]*?)<\/Outputs>/.exec(xml) ?? [];
  const pairs = [...list.matchAll(/<member>([\s\S]*?)<\/member>/g)].map(
    ([, member = '']) => [elementOf(member, 'OutputKey') ?? '', elementOf(member, 'OutputValue') ?? ''] as const,
  );
  return new Map(pairs);
}

function elementOf(xml: string, name: string): string | undefined {
  const found =
    new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? new RegExp(`"${name}":"([^"]*)"`).exec(xml)?.[1];
  return found?.replace(/&(lt|gt|quot|apos|amp);/g, (_, entity: string) => entities[entity] ?? '');
}

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
