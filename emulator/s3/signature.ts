import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

/** The body's digest as signed: a hex SHA-256, UNSIGNED-PAYLOAD, or a STREAMING-… form with its seed. */
export interface Payload {
  hash: string;
  seed: ChunkSeed;
}

/** From which each chunk's signature of a signed stream is derived, in turn. */
interface ChunkSeed {
  signingKey: Buffer;
  date: string;
  scope: string;
  signature: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600;
const MAX_SKEW_MS = 15 * 60 * 1000;
const PAYLOAD_FORM =
  /^([0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER|STREAMING-AWS4-HMAC-SHA256-PAYLOAD(-TRAILER)?)$/;

/**
 * Checks a Signature Version 4 from the Authorization header or from the query (a presigned URL), and says which body
 * it allows. Any region is accepted. Throws AccessDenied for a request without signature, with x-amz-* headers that
 * were not signed, or after its time; SignatureDoesNotMatch, with what was expected, when anything signed was changed.
 */
export function verifySignature(request: S3Request, credentials: Credentials, now: number): Payload {
  const inHeader = request.headers.has('authorization');
  const inQuery = request.query.has('X-Amz-Signature');
  if (inHeader && inQuery) throw new S3Error('InvalidArgument', 'Only one auth mechanism allowed');
  if (!inHeader && !inQuery) {
    throw new S3Error('AccessDenied', 'Access Denied: the request is not signed; S3 is not open to anonymous callers');
  }
  const claim = inHeader ? claimInHeader(request, now) : claimInQuery(request, now);
  if (claim.accessKeyId !== credentials.accessKeyId) {
    throw new S3Error('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', {
      AWSAccessKeyId: claim.accessKeyId,
    });
  }
  requireSignedHeaders(request, claim.signedHeaders);
  const canonical = canonicalRequest(request, claim.signedHeaders, claim.payloadHash);
  const toSign = [ALGORITHM, claim.date, claim.scope.join('/'), sha256(canonical)].join('\n');
  const signingKey = deriveKey(credentials.secretAccessKey, claim.scope);
  const expected = hmac(signingKey, toSign).toString('hex');
  if (!sameText(expected, claim.signature)) {
    throw new S3Error(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      { AWSAccessKeyId: claim.accessKeyId, StringToSign: toSign, CanonicalRequest: canonical },
    );
  }
  return {
    hash: claim.payloadHash,
    seed: { signingKey, date: claim.date, scope: claim.scope.join('/'), signature: expected },
  };
}

interface Claim {
  accessKeyId: string;
  scope: string[];
  date: string;
  signedHeaders: string[];
  signature: string;
  payloadHash: string;
}

function claimInHeader(request: S3Request, now: number): Claim {
  const malformed = (what: string) =>
    new S3Error('AuthorizationHeaderMalformed', `The authorization header that you provided is not valid: ${what}`);
  const header = request.headers.get('authorization') ?? '';
  if (!header.startsWith(`${ALGORITHM} `)) throw malformed(`it must begin with ${ALGORITHM}`);
  const fields = new Map(
    header
      .slice(ALGORITHM.length + 1)
      .split(',')
      .map((field) => {
        const [name = '', ...value] = field.trim().split('=');
        return [name, value.join('=')] as const;
      }),
  );
  const date = request.headers.get('x-amz-date') ?? '';
  const credential = readCredential(fields.get('Credential') ?? '', date);
  const signature = fields.get('Signature');
  const signedHeaders = fields.get('SignedHeaders');
  if (!credential || !signature || !signedHeaders) {
    throw malformed('Credential, SignedHeaders, Signature and an x-amz-date of the same day are needed');
  }
  const skew = now - instant(date);
  if (!(Math.abs(skew) <= MAX_SKEW_MS)) {
    throw new S3Error(
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        RequestTime: date,
        ServerTime: new Date(now).toISOString(),
        MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
      },
    );
  }
  const payloadHash = request.headers.get('x-amz-content-sha256');
  if (payloadHash === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  return {
    ...credential,
    date,
    signature,
    signedHeaders: signedHeaders.split(';'),
    payloadHash: readPayload(payloadHash),
  };
}

function claimInQuery(request: S3Request, now: number): Claim {
  const malformed = (what: string) =>
    new S3Error('AuthorizationQueryParametersError', `Error parsing the presigned URL: ${what}`);
  const { query } = request;
  if (query.get('X-Amz-Algorithm') !== ALGORITHM) throw malformed(`X-Amz-Algorithm only supports ${ALGORITHM}`);
  const date = query.get('X-Amz-Date') ?? '';
  const credential = readCredential(query.get('X-Amz-Credential') ?? '', date);
  const signature = query.get('X-Amz-Signature');
  const signedHeaders = query.get('X-Amz-SignedHeaders');
  if (!credential || !signature || !signedHeaders) {
    throw malformed(
      'X-Amz-Credential, X-Amz-SignedHeaders, X-Amz-Signature and an X-Amz-Date of the same day are needed',
    );
  }
  const expires = query.get('X-Amz-Expires') ?? '';
  if (!/^\d{1,7}$/.test(expires) || Number(expires) < 1 || Number(expires) > MAX_EXPIRES_SECONDS) {
    throw malformed(`X-Amz-Expires must be 1 to ${MAX_EXPIRES_SECONDS} seconds, got "${expires}"`);
  }
  const from = instant(date);
  const until = from + Number(expires) * 1000;
  if (!(now >= from - MAX_SKEW_MS))
    throw new S3Error('AccessDenied', 'Request is not yet valid', { 'X-Amz-Date': date });
  if (now > until) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      'X-Amz-Expires': expires,
      Expires: new Date(until).toISOString(),
      ServerTime: new Date(now).toISOString(),
    });
  }
  const payloadHash = query.get('X-Amz-Content-Sha256') ?? request.headers.get('x-amz-content-sha256');
  return {
    ...credential,
    date,
    signature,
    signedHeaders: signedHeaders.split(';'),
    payloadHash: readPayload(payloadHash ?? 'UNSIGNED-PAYLOAD'),
  };
}

/** `accessKeyId/day/region/s3/aws4_request`; nothing when it is not that, or not of the request's day. */
function readCredential(credential: string, date: string): { accessKeyId: string; scope: string[] } | undefined {
  const parts = credential.split('/');
  const scope = parts.slice(-4);
  const fits = parts.length >= 5 && scope[2] === 's3' && scope[3] === 'aws4_request' && scope[0] === date.slice(0, 8);
  return fits && Number.isFinite(instant(date)) ? { accessKeyId: parts.slice(0, -4).join('/'), scope } : undefined;
}

function readPayload(hash: string): string {
  if (PAYLOAD_FORM.test(hash)) return hash;
  throw new S3Error('InvalidArgument', `x-amz-content-sha256 is not a form that is understood here: ${hash}`);
}

function requireSignedHeaders(request: S3Request, signed: string[]) {
  const unsigned = [...request.headers.keys()].filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name),
  );
  if (unsigned.length > 0) {
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: unsigned.join(', '),
    });
  }
}

function canonicalRequest(request: S3Request, signedHeaders: string[], payloadHash: string): string {
  const query = [...request.query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const headers = signedHeaders.map((name) => {
    const value = request.headers.get(name) ?? '';
    return `${name}:${value.replace(/\s+/g, ' ').trim()}\n`;
  });
  const path = request.path.split('/').map(encode).join('/');
  return [request.method, path, query, headers.join(''), signedHeaders.join(';'), payloadHash].join('\n');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function deriveKey(secret: string, scope: string[]): Buffer {
  return scope.reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`));
}

/** `20130524T000000Z` in milliseconds, NaN when it is anything else. */
function instant(date: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

export function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
