import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { guarded } from '../../cli/request-guard.ts';
import { S3Error } from './errors.ts';
import type { Answer } from './handler.ts';
import { findOperation } from './operations.ts';
import { parseRequest, type S3Request } from './request.ts';
import { type Credentials, verifySignature } from './signature.ts';
import { Store } from './store.ts';
import { leaf, xmlError } from './xml.ts';

export interface S3ServerOptions {
  /** Keeps the buckets over a restart. Only one server at a time may use it. */
  folder: string;
  /** 0, the default, lets the system choose. */
  port?: number;
  /** The only ones that signatures are accepted from; `local`/`local` by default. */
  credentials?: Credentials;
  /** Names that a Host header may have besides those of loopback. */
  hosts?: readonly string[];
  /** Decides about expiry and gives objects their time; milliseconds since 1970. */
  clock?: { now(): number };
  /**
   * Called for each request with a valid signature, before it is carried out; an S3Error that it throws is the answer.
   */
  onRequest?(request: RequestLine): void;
  /** Called after that: whether to refuse the request, or to carry it out and lose the answer. */
  interfere?(request: RequestLine): 'throttle' | 'answer lost' | undefined;
}

export interface RequestLine {
  method: string;
  bucket: string;
  key: string;
  /** S3's name of the operation, such as `PutObject`. */
  operation: string;
  /** Bucket and key that a copy reads. */
  copySource?: string;
  /** The session token of temporary credentials, those that presigned the URL for instance. */
  sessionToken?: string;
}

export interface S3Server {
  endpoint: string;
  stop(): Promise<void>;
}

/**
 * Starts the part of Amazon S3 that Tenure uses, on the file system, for development and tests: loopback only,
 * path-style addresses (`http://127.0.0.1:PORT/bucket/key`), Signature Version 4 required, bodies streamed to and from
 * disk.
 *
 * Not as in S3: buckets are never versioned (a bucket's versioning, lifecycle and policies are ignored when it is
 * created here; asking for them answers 501 NotImplemented), any region will do, no checksum is added that the client
 * did not name, ListObjects V1 and virtual-host addresses are missing, x-amz-* parameters in a presigned query are
 * ignored except for the signature's own, x-amz-expected-bucket-owner is ignored, and a copy or a completed upload
 * never answers 200 with an error inside, as S3's may after a while. Committed objects survive the process being
 * killed at any point, not a power cut.
 *
 * Rejects when the port is taken or the folder cannot be read.
 */
export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const store = await Store.open(options.folder);
  const running = new Set<Promise<void>>();
  const accept = (message: IncomingMessage, response: ServerResponse, beginBody: () => void) => {
    const work = serve(store, options, message, response, beginBody).finally(() => running.delete(work));
    running.add(work);
  };
  const rules = { hosts: options.hosts ?? [] };
  const server = createServer(guarded(rules, (message, response) => accept(message, response, () => {})));
  server.on(
    'checkContinue',
    guarded(rules, (message, response) => accept(message, response, () => response.writeContinue())),
  );
  // A large upload may take its time, and an idle connection may be used again: clients keep theirs open.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await Promise.all(running);
    },
  };
}

const LOCAL: Credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/** Answers one request; never rejects. */
async function serve(
  store: Store,
  options: S3ServerOptions,
  message: IncomingMessage,
  response: ServerResponse,
  beginBody: () => void,
) {
  const id = randomUUID();
  const now = () => (options.clock ?? Date).now();
  let isContinued = false;
  const begin = () => {
    isContinued = true;
    beginBody();
  };
  let answer: Answer;
  try {
    const request = parseRequest(message, id, begin);
    const payload = verifySignature(request, options.credentials ?? LOCAL, now());
    const { name, handler } = findOperation(request);
    const { method, bucket, key } = request;
    const sessionToken = request.headers.get('x-amz-security-token') ?? request.query.get('X-Amz-Security-Token');
    const line = {
      method,
      bucket,
      key,
      operation: name,
      ...copySourceOf(request),
      ...(sessionToken && { sessionToken }),
    };
    options.onRequest?.(line);
    const fault = options.interfere?.(line);
    if (fault === 'throttle') throw new S3Error('SlowDown', 'Please reduce your request rate.');
    answer = await handler(request, { store, payload, now });
    if (fault === 'answer lost') return void response.destroy();
  } catch (cause) {
    answer = explain(cause, message, id);
  }
  const isUnsent = message.headers.expect !== undefined && !isContinued;
  await send(answer, message, response, { 'x-amz-request-id': id, ...(isUnsent && { connection: 'close' }) });
}

function copySourceOf({ headers }: S3Request): { copySource?: string } {
  const [path] = (headers.get('x-amz-copy-source') ?? '').split('?');
  return path ? { copySource: decodeURIComponent(path).replace(/^\//, '') } : {};
}

async function send(answer: Answer, message: IncomingMessage, response: ServerResponse, more: Record<string, string>) {
  if (response.destroyed) return;
  const { status, body, headers } = answer;
  const text = typeof body === 'string' ? Buffer.from(body) : undefined;
  const all: Record<string, string | number | undefined> = {
    server: 'tenure-local-s3',
    ...(text && { 'content-type': 'application/xml' }),
    ...(text && { 'content-length': text.length }),
    ...(body === undefined && status !== 304 && status !== 204 && { 'content-length': 0 }),
    ...headers,
    ...more,
  };
  try {
    for (const [name, value] of Object.entries(all)) if (value !== undefined) response.setHeader(name, value);
    response.writeHead(status);
    // Whatever is left of the request's body must go, or the client never gets to read this answer.
    message.resume();
    if (message.method === 'HEAD') response.end();
    else await pipeline(body instanceof Readable ? body : Readable.from(text ? [text] : []), response);
  } catch (cause) {
    // The status is out already: all that can be said is that the answer is cut short.
    response.destroy();
    if (!isHangUp(cause)) console.error(`S3: ${message.method} ${message.url?.split('?')[0]} was cut short:`, cause);
  } finally {
    if (body instanceof Readable) body.destroy();
  }
}

function explain(cause: unknown, message: IncomingMessage, id: string): Answer {
  const path = message.url?.split('?')[0] ?? '';
  const error =
    cause instanceof S3Error
      ? cause
      : new S3Error('InternalError', 'We encountered an internal error. Please try again.');
  if (error !== cause && !isHangUp(cause)) console.error(`S3: ${message.method} ${path} failed:`, cause);
  const details = Object.entries(error.details).map(([name, value]) => leaf(name, value));
  return {
    status: error.status,
    headers: { 'content-type': 'application/xml' },
    body: xmlError(
      leaf('Code', error.code),
      leaf('Message', error.message),
      ...details,
      leaf('Resource', path),
      leaf('RequestId', id),
      leaf('HostId', 'tenure-local-s3'),
    ),
  };
}

/** The client went away before the end: no fault of the server, and nobody to tell. */
function isHangUp(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException)?.code ?? '';
  return ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR'].includes(code);
}
