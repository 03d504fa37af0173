import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Error } from '../../../emulator/s3/errors.ts';
import type { RequestLine } from '../../../emulator/s3/server.ts';
import { covers, type Grants } from './grants.ts';
import { type Need, needsOfDynamoDb, needsOfS3 } from './needs.ts';

/**
 * Refuses what a deployed function would be refused: each request of a function, and each by a URL that it presigned, is held
 * against the role that the template gives it. Requests of others pass.
 */
export class PermissionGuard {
  /** One line for each kind of request that was refused. */
  readonly refusals = new Set<string>();

  constructor(private readonly grants: Grants) {}

  /** Requests that the role of the function with this session token does not cover. Callers without one are not functions. */
  missing(sessionToken: string | undefined, needs: Need[]): string[] {
    if (sessionToken === undefined) return [];
    const grants = this.grants.get(sessionToken) ?? [];
    const missing = needs.filter((need) => !covers(grants, need));
    const lines = missing.map(({ action, resource }) => `${sessionToken} is not allowed ${action} on ${resource}`);
    for (const line of lines) this.refusals.add(line.replace(/\/(groups|backups)\/.*/, '/$1/…'));
    return lines;
  }

  /** For the embedded S3 server. */
  readonly onS3Request = (request: RequestLine): void => {
    const [refusal] = this.missing(request.sessionToken, needsOfS3(request));
    if (refusal) throw new S3Error('AccessDenied', refusal);
  };
}

/** Stands before DynamoDB Local and lets through what the guard allows. */
export async function guardDynamoDb(guard: PermissionGuard, target: string) {
  const server = createServer((request, response) => {
    forward(guard, target, request).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function forward(guard: PermissionGuard, target: string, request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const [service, operation = ''] = String(request.headers['x-amz-target']).split('.');
  const needs = service?.startsWith('DynamoDB_') ? needsOfDynamoDb(operation, JSON.parse(body.toString())) : [];
  const [refusal] = guard.missing(request.headers['x-amz-security-token']?.toString(), needs);
  if (refusal) {
    const problem = { __type: 'com.amazon.coral.service#AccessDeniedException', Message: refusal };
    return { status: 400, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: JSON.stringify(problem) };
  }
  const { host, connection, 'content-length': length, ...headers } = request.headers as Record<string, string>;
  const answer = await fetch(`${target}${request.url}`, { method: request.method ?? 'POST', headers, body });
  const kept = ['content-type', 'x-amzn-requestid', 'x-amz-crc32'];
  const passed = [...answer.headers].filter(([name]) => kept.includes(name));
  return { status: answer.status, headers: Object.fromEntries(passed), body: Buffer.from(await answer.arrayBuffer()) };
}
