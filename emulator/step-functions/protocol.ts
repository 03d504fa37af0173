import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AccessDeniedError } from '../iam/guard.ts';
import type { JsonObject } from './model.ts';

/** An error as the Step Functions API answers it; `code` is the name that the SDK raises. */
export class ServiceError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export type Operation = (input: JsonObject) => unknown;

/** @throws AccessDeniedError, or ServiceError when it is throttled */
export type Authorise = (sessionToken: string | undefined, operation: string, input: JsonObject) => void;

const bodyLimit = 4 * 1024 * 1024;
const target = 'AWSStepFunctions.';

/** Answers one AWS JSON 1.0 request with the operation that `X-Amz-Target` names. */
export async function answer(
  operations: Record<string, Operation>,
  request: IncomingMessage,
  response: ServerResponse,
  authorise: Authorise = () => {},
): Promise<void> {
  const name = String(request.headers['x-amz-target'] ?? '').replace(target, '');
  let status = 200;
  let body: unknown;
  try {
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (!operation) {
      throw new ServiceError(
        'UnknownOperationException',
        `The local Step Functions server has no operation '${name}'; it knows ${Object.keys(operations).join(', ')}`,
      );
    }
    const input = await readBody(request);
    authorise(request.headers['x-amz-security-token']?.toString(), name, input);
    body = (await operation(input)) ?? {};
  } catch (error) {
    const known = error instanceof ServiceError || error instanceof AccessDeniedError;
    if (!known) console.error(`Step Functions ${name} failed:`, error);
    status = known ? 400 : 500;
    body = {
      __type: error instanceof ServiceError ? error.code : known ? error.name : 'InternalServerError',
      message: error instanceof Error ? error.message : String(error),
    };
  }
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() });
  response.end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit)
      throw new ServiceError('RequestEntityTooLargeException', `The request is larger than ${bodyLimit} bytes`);
    chunks.push(chunk);
  }
  const parsed = parseJson(Buffer.concat(chunks).toString('utf8') || '{}');
  if (!isObject(parsed)) throw new ServiceError('SerializationException', 'The request body is not a JSON object');
  return parsed;
}

/** The parsed text, or undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function text(input: JsonObject, field: string, limit = Number.POSITIVE_INFINITY): string {
  const value = optionalText(input, field, limit);
  if (value === undefined)
    throw invalid(`Value null at '${field}' failed to satisfy constraint: Member must not be null`);
  return value;
}

/** @param limit in bytes of UTF-8, as the API counts. */
export function optionalText(input: JsonObject, field: string, limit = Number.POSITIVE_INFINITY): string | undefined {
  const value = input[field] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string')
    throw invalid(`Value at '${field}' failed to satisfy constraint: Member must be a string`);
  const bytes = Buffer.byteLength(value);
  if (bytes > limit) {
    throw invalid(
      `Value at '${field}' failed to satisfy constraint: Member must have length less than or equal to ${limit}, but has ${bytes}`,
    );
  }
  return value;
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', `1 validation error detected: ${message}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the API forbids exactly these
const forbiddenInNames = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]/;

/** A name of a state machine or execution, by the API's rules. */
export function resourceName(name: string): string {
  if (name.length < 1 || name.length > 80 || forbiddenInNames.test(name)) {
    throw new ServiceError(
      'InvalidName',
      `Invalid Name: '${name}': 1 to 80 characters without spaces, brackets, wildcards or any of " # % \\ ^ | ~ \` $ & , ; : /`,
    );
  }
  return name;
}

export interface Page<Item> {
  items: Item[];
  nextToken?: string;
}

/**
 * One page of `all` in the order of their keys. The token holds the last item's key, so that pages neither repeat nor
 * skip an item when others come or go meanwhile.
 */
export function page<Item>(all: Item[], input: JsonObject, keyOf: (item: Item) => string): Page<Item> {
  const asked = input['maxResults'] ?? 0;
  if (typeof asked !== 'number' || asked < 0 || asked > 1000)
    throw invalid(`Value ${asked} at 'maxResults' must be 0 to 1000`);
  const after = lastKey(optionalText(input, 'nextToken'));
  const keyed = all.map((item) => ({ key: keyOf(item), item }));
  const rest = keyed.filter(({ key }) => key > after).sort((one, other) => (one.key < other.key ? -1 : 1));
  const shown = rest.slice(0, asked === 0 ? 100 : asked);
  const items = shown.map(({ item }) => item);
  const last = shown.at(-1);
  if (last === undefined || shown.length === rest.length) return { items };
  return { items, nextToken: Buffer.from(tokenMark + last.key).toString('base64url') };
}

const tokenMark = 'after ';

function lastKey(token: string | undefined): string {
  if (token === undefined) return '';
  const decoded = Buffer.from(token, 'base64url').toString('utf8');
  if (!decoded.startsWith(tokenMark))
    throw new ServiceError('InvalidToken', `Invalid Token: '${token}' is not a nextToken of this API`);
  return decoded.slice(tokenMark.length);
}
