import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { localAccount } from '../cloudformation/assembly/read.ts';
import type { Match } from './route-table.ts';

/** API Gateway decodes the path of an HTTP API before a function sees it. Throws URIError for a malformed one. */
export function pathOf(request: IncomingMessage): { path: string; query: string } {
  const target = request.url ?? '/';
  const mark = target.indexOf('?');
  const raw = mark < 0 ? target : target.slice(0, mark);
  return { path: decodeURIComponent(raw), query: mark < 0 ? '' : target.slice(mark + 1) };
}

/** Builds the event of payload format 2.0 that API Gateway would hand to the function behind a route. */
export function eventOf(request: IncomingMessage, body: Buffer, { route, pathParameters }: Match, now: Date) {
  const { path, query } = pathOf(request);
  const { cookies, headers } = headersOf(request);
  const queryStringParameters = parametersOf(query);
  const text = isText(headers['content-type'], body);
  return {
    version: '2.0',
    routeKey: route.key,
    rawPath: path,
    rawQueryString: query,
    ...(cookies.length > 0 ? { cookies } : {}),
    headers,
    ...(Object.keys(queryStringParameters).length > 0 ? { queryStringParameters } : {}),
    requestContext: {
      accountId: localAccount,
      apiId: 'local',
      ...(route.authorization === 'AWS_IAM' ? { authorizer: { iam: callerOf(headers['authorization']) } } : {}),
      authentication: null,
      domainName: 'local.execute-api.us-east-1.amazonaws.com',
      domainPrefix: 'local',
      http: {
        method: request.method ?? 'GET',
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: route.key,
      stage: '$default',
      time: accessLogTime(now),
      timeEpoch: now.getTime(),
    },
    ...(Object.keys(pathParameters).length > 0 ? { pathParameters } : {}),
    ...(body.length > 0 ? { body: body.toString(text ? 'utf8' : 'base64') } : {}),
    isBase64Encoded: body.length > 0 && !text,
  };
}

/** Lower case, repeated ones joined by commas; cookies stand apart, host and forwarding as the gateway sets them. */
function headersOf(request: IncomingMessage): { cookies: string[]; headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  const cookies: string[] = [];
  for (const [name, values = []] of Object.entries(request.headersDistinct)) {
    if (name === 'cookie') cookies.push(...values.flatMap((value) => value.split('; ')));
    else if (!hopByHop.has(name)) headers[name] = values.join(',');
  }
  headers['x-forwarded-for'] ??= request.socket.remoteAddress ?? '127.0.0.1';
  headers['x-forwarded-port'] ??= String(request.socket.localPort);
  headers['x-forwarded-proto'] ??= 'http';
  return { cookies, headers };
}

const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'te', 'upgrade', 'expect']);

function parametersOf(query: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    parameters[name] = name in parameters ? `${parameters[name]},${value}` : value;
  }
  return parameters;
}

/** A body that is not known to be text, or is not valid UTF-8, travels as base64. */
function isText(contentType: string | undefined, body: Buffer): boolean {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? 'application/json';
  const textual = /^(text\/.*|application\/(.*\+)?(json|xml|javascript))$/.test(type);
  return textual && Buffer.from(body.toString('utf8')).equals(body);
}

/** Nobody checks a signature here; the access key that it names is passed on, so that a function sees a caller. */
function callerOf(authorization: string | undefined) {
  const accessKey = /Credential=([^/]+)\//.exec(authorization ?? '')?.[1] ?? 'local';
  return {
    accessKey,
    accountId: localAccount,
    callerId: accessKey,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn: `arn:aws:iam::${localAccount}:user/${accessKey}`,
    userId: accessKey,
  };
}

function accessLogTime(now: Date): string {
  const [day, month, date, year, time] = now.toUTCString().replace(',', '').split(' ').map(String);
  return day ? `${month}/${date}/${year}:${time} +0000` : '';
}
