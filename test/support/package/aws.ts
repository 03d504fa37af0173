import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AwsV4Signer } from 'aws4fetch';

/** The credentials of each source: the access key tells from which one a request was signed. */
const keys = {
  environment: {
    accessKeyId: 'AKIAENVIRONMENT',
    secretAccessKey: 'secret of the environment',
    sessionToken: undefined,
  },
  profile: { accessKeyId: 'AKIAPROFILE', secretAccessKey: 'secret of the profile', sessionToken: undefined },
  sso: { accessKeyId: 'ASIASSO', secretAccessKey: 'secret of the sign-on', sessionToken: 'token of the sign-on' },
  container: {
    accessKeyId: 'ASIACONTAINER',
    secretAccessKey: 'secret of the container',
    sessionToken: 'token of the container',
  },
  instance: {
    accessKeyId: 'ASIAINSTANCE',
    secretAccessKey: 'secret of the instance',
    sessionToken: 'token of the instance',
  },
} as const;

export type Source = keyof typeof keys;
export const sources = Object.keys(keys) as Source[];
export const region = 'eu-west-1';
export const stackName = 'tenure-prod';

/** A request to the API whose signature was right. */
export interface Signed {
  readonly source: Source;
  readonly service: string;
  readonly request: string;
}

export interface Aws {
  readonly url: string;
  readonly signed: Signed[];
  /** An environment in which credentials come from this source and from no other. */
  environment(source: Source, home: string): NodeJS.ProcessEnv;
  stop(): void;
}

type Answer = { status?: number; body: string } | undefined;

/**
 * AWS as far as a client sees it, on loopback: CloudFormation and an API that only accept signed requests, and where
 * credentials come from. `api` answers what the signed API is asked.
 */
export async function startAws(
  api: (method: string, path: string, headers: Headers, body: string) => Answer,
): Promise<Aws> {
  const signed: Signed[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const answer = (await handOut(request)) ?? (await served(request, body));
    response.writeHead(answer?.status ?? 200, { 'Content-Type': 'application/json' }).end(answer?.body ?? '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function served(request: IncomingMessage, body: string): Promise<Answer> {
    const seen = await verified(url, request, body);
    if (!seen) return { status: 403, body: '{"message":"The request signature we calculated does not match"}' };
    signed.push(seen);
    if (seen.service === 'cloudformation') return { body: described(`${url}/prod`) };
    const path = new URL(request.url ?? '', url).pathname.replace('/prod', '');
    return api(request.method ?? '', path, new Headers(request.headers as Record<string, string>), body);
  }

  return {
    url,
    signed,
    environment: (source, home) => environmentOf(source, home, url),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Signs the request again, with the secret of the key that it names: only its owner makes the same signature. */
async function verified(url: string, request: IncomingMessage, body: string): Promise<Signed | undefined> {
  const authorization = request.headers.authorization ?? '';
  const [, accessKeyId, day, named, service = ''] =
    /Credential=([^/]+)\/(\d+)\/([^/]+)\/([^/]+)\/aws4_request/.exec(authorization) ?? [];
  const source = sources.find((one) => keys[one].accessKeyId === accessKeyId);
  const at = String(request.headers['x-amz-date'] ?? '');
  if (!source || named !== region || !at.startsWith(day ?? '?')) return undefined;
  const { secretAccessKey, sessionToken } = keys[source];
  if ((request.headers['x-amz-security-token'] ?? undefined) !== sessionToken) return undefined;
  const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? [];
  const again = await new AwsV4Signer({
    method: request.method ?? 'GET',
    url: `${url}${request.url}`,
    headers: Object.fromEntries(
      names.filter((name) => name !== 'host').map((name) => [name, String(request.headers[name])]),
    ),
    body: request.method === 'GET' ? null : body,
    accessKeyId: accessKeyId ?? '',
    secretAccessKey,
    service,
    region,
    datetime: at,
    allHeaders: true,
  }).sign();
  const signature = (text: string | null) => /Signature=(\w+)/.exec(text ?? '')?.[1];
  if (signature(again.headers.get('authorization')) !== signature(authorization)) return undefined;
  return { source, service, request: `${request.method} ${new URL(request.url ?? '', url).pathname}` };
}

/** The endpoints that credentials come from: a container's agent, the metadata of an instance, single sign-on. */
async function handOut({ method, url = '', headers }: IncomingMessage): Promise<Answer> {
  const soon = new Date(Date.now() + 3_600_000);
  if (url === '/container') {
    if (headers.authorization !== 'agent token') return { status: 401, body: '' };
    return { body: JSON.stringify(document('container', soon)) };
  }
  if (method === 'PUT' && url === '/latest/api/token') return { body: 'metadata token' };
  if (url.startsWith('/latest/meta-data/')) {
    if (headers['x-aws-ec2-metadata-token'] !== 'metadata token') return { status: 401, body: '' };
    if (url.endsWith('/security-credentials/')) return { body: 'instance-role' };
    return { body: JSON.stringify({ Code: 'Success', ...document('instance', soon) }) };
  }
  if (url.startsWith('/federation/credentials')) {
    if (headers['x-amz-sso_bearer_token'] !== 'bearer token') return { status: 401, body: '{}' };
    return { body: JSON.stringify({ roleCredentials: { ...keys.sso, expiration: soon.getTime() } }) };
  }
  return undefined;
}

function document(source: 'container' | 'instance', expiration: Date) {
  const { accessKeyId, secretAccessKey, sessionToken } = keys[source];
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    Expiration: expiration.toISOString(),
  };
}

function environmentOf(source: Source, home: string, url: string): NodeJS.ProcessEnv {
  const folder = join(home, '.aws');
  mkdirSync(join(folder, 'sso/cache'), { recursive: true });
  const { profile, environment } = keys;
  const session = createHash('sha1').update('corp').digest('hex');
  const config = `[profile sso]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Operator\nregion = ${region}
[sso-session corp]\nsso_region = ${region}\nsso_start_url = https://corp.awsapps.com/start\n[profile operator]\nregion = ${region}\n`;
  const secrets = `[operator]\naws_access_key_id = ${profile.accessKeyId}\naws_secret_access_key = ${profile.secretAccessKey}\n`;
  writeFileSync(join(folder, 'config'), config);
  writeFileSync(join(folder, 'credentials'), secrets);
  const accessToken = { accessToken: 'bearer token', expiresAt: new Date(Date.now() + 3_600_000).toISOString() };
  writeFileSync(join(folder, 'sso/cache', `${session}.json`), JSON.stringify(accessToken));
  const common = { PATH: process.env['PATH'], HOME: home, AWS_ENDPOINT_URL_CLOUDFORMATION: url };
  switch (source) {
    case 'environment':
      return {
        ...common,
        AWS_ACCESS_KEY_ID: environment.accessKeyId,
        AWS_SECRET_ACCESS_KEY: environment.secretAccessKey,
        AWS_REGION: region,
      };
    case 'profile':
      return { ...common, AWS_PROFILE: 'operator' };
    case 'sso':
      return { ...common, AWS_PROFILE: 'sso', AWS_ENDPOINT_URL_SSO: url };
    case 'container':
      return {
        ...common,
        AWS_REGION: region,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: 'agent token',
      };
    case 'instance':
      return { ...common, AWS_REGION: region, AWS_EC2_METADATA_SERVICE_ENDPOINT: url };
  }
}

function described(api: string): string {
  return `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
<StackName>${stackName}</StackName><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-11-01T12:00:00Z</CreationTime>
<Outputs><member><OutputKey>ApiUrl</OutputKey><OutputValue>${api}</OutputValue></member></Outputs>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
}
