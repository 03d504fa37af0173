import type { IncomingMessage } from 'node:http';
import { S3Error } from './errors.ts';

/** One request, taken apart but not yet trusted. `bucket` and `key` are empty when the path does not name them. */
export interface S3Request {
  id: string;
  method: string;
  bucket: string;
  key: string;
  /** The path as the client meant it, percent-decoded. */
  path: string;
  query: Map<string, string>;
  headers: Map<string, string>;
  message: IncomingMessage;
  /** Tells a client that waits for "100 Continue" to send its body. */
  beginBody(): void;
}

const MAX_KEY_BYTES = 1024;

/**
 * Splits the request line by hand: `new URL` would resolve `..` segments, which in S3 are part of the key.
 * A literal `+` is a space, in the path too, as in S3; clients send a plus sign as %2B.
 */
export function parseRequest(message: IncomingMessage, id: string, beginBody: () => void): S3Request {
  const url = message.url ?? '/';
  const mark = url.indexOf('?');
  const path = decode(mark < 0 ? url : url.slice(0, mark));
  if (!path.startsWith('/')) throw new S3Error('InvalidURI', `Couldn't parse the specified URI ${url}`);
  const slash = path.indexOf('/', 1);
  const bucket = slash < 0 ? path.slice(1) : path.slice(1, slash);
  const key = slash < 0 ? '' : path.slice(slash + 1);
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new S3Error('KeyTooLongError', 'Your key is too long', {
      Size: String(Buffer.byteLength(key)),
      MaxSizeAllowed: String(MAX_KEY_BYTES),
    });
  }
  const query = new Map<string, string>();
  for (const pair of mark < 0 ? [] : url.slice(mark + 1).split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    if (query.has(name)) throw new S3Error('InvalidArgument', `The query names ${name} more than once`);
    query.set(name, equals < 0 ? '' : decode(pair.slice(equals + 1)));
  }
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(',') : value);
  }
  return { id, method: message.method ?? 'GET', bucket, key, path, query, headers, message, beginBody };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new S3Error('InvalidURI', `Couldn't parse the specified URI: ${text} is not percent-encoded UTF-8`);
  }
}
