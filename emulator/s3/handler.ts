import type { Readable } from 'node:stream';
import type { S3Request } from './request.ts';
import type { Payload } from './signature.ts';
import type { Store } from './store.ts';

export interface Answer {
  status: number;
  headers?: Record<string, string | number | undefined>;
  body?: string | Readable;
}

export interface Context {
  store: Store;
  payload: Payload;
  /** Milliseconds since 1970. */
  now(): number;
}

export type Handler = (request: S3Request, context: Context) => Promise<Answer> | Answer;
