import { request } from 'node:http';
import type { FuzzedRequest } from './requests.ts';

export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Sends a request exactly as it is written: no client in between that mends a path or a header. */
export function send(api: string, { method, path, headers, body }: FuzzedRequest): Promise<RawAnswer> {
  const { hostname, port } = new URL(api);
  return new Promise((resolve, reject) => {
    // Without it the body of a GET or a DELETE would be read as the next request.
    const length = body ? { 'content-length': String(body.byteLength) } : {};
    const outgoing = request({ hostname, port, method, path, headers: { ...headers, ...length } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const { statusCode = 0, headers: received } = answer;
        resolve({ status: statusCode, type: received['content-type'] ?? '', text: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
