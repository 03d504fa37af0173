import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Block } from './source.ts';

export interface PutAnswer {
  readonly status: number;
  readonly etag: string | undefined;
  /** The body with which S3 explains an error. */
  readonly text: string;
}

/** Bytes to and from S3 by signed URLs. Rejects when there is no answer. */
export interface S3 {
  put(url: string, headers: Readonly<Record<string, string>>, block: Block, signal: AbortSignal): Promise<PutAnswer>;
  get(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response>;
}

/** S3 that takes or sends nothing for so long is not going to. */
const silenceMs = 60_000;

/** A PUT is written by node:http: fetch copies what it sends, and the copies pile up faster than they are collected. */
export const directS3: S3 = {
  put,
  get: (url, headers, signal) => fetch(url, { headers, signal }),
};

async function put(
  url: string,
  headers: Readonly<Record<string, string>>,
  block: Block,
  signal: AbortSignal,
): Promise<PutAnswer> {
  const open = url.startsWith('https:') ? httpsRequest : httpRequest;
  const request = open(url, { method: 'PUT', headers: { ...headers, 'content-length': block.bytes }, signal });
  request.setTimeout(silenceMs, () => request.destroy(new Error(`S3 was silent for ${silenceMs / 1_000} s`)));
  const answer = answerOf(request);
  // Whichever comes first: S3 may refuse before it has everything.
  return Promise.race([answer, send(request, block).then(() => answer)]);
}

async function send(request: ClientRequest, block: Block): Promise<void> {
  for await (const piece of block.pieces()) {
    // The piece may be overwritten once it is asked for the next one.
    await new Promise<void>((resolve, reject) => {
      request.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }
  request.end();
}

function answerOf(request: ClientRequest): Promise<PutAnswer> {
  const answer = new Promise<PutAnswer>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, etag: response.headers.etag, text }));
    });
  });
  // The sender sees it, too.
  answer.catch(() => {});
  return answer;
}
