import type { ServerResponse } from 'node:http';

/** Messages of API Gateway itself, without any function. */
export const gatewayMessages: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  413: 'Request Entity Too Large',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export interface Answer {
  status: number;
  headers: Record<string, string | string[]>;
  body: Buffer;
}

export function gatewayAnswer(status: number): Answer {
  return json(status, { message: gatewayMessages[status] ?? 'Internal Server Error' });
}

export function json(status: number, content: object): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(content)) };
}

/** Reads a function's result in payload format 2.0; a result that is none is the gateway's 500. */
export function answerOf(payload: string): Answer {
  const result = JSON.parse(payload) as unknown;
  if (result === null || typeof result !== 'object' || !('statusCode' in result)) {
    const body = typeof result === 'string' ? result : payload;
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) };
  }
  const {
    statusCode,
    headers = {},
    cookies,
    body,
    isBase64Encoded,
  } = result as {
    statusCode: unknown;
    headers?: Record<string, string | number | boolean>;
    cookies?: string[];
    body?: unknown;
    isBase64Encoded?: boolean;
  };
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) return gatewayAnswer(500);
  if (body !== undefined && body !== null && typeof body !== 'string') return gatewayAnswer(500);
  const lowered = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return {
    status,
    headers: {
      'content-type': 'text/plain;charset=UTF-8',
      ...Object.fromEntries(lowered),
      ...(cookies ? { 'set-cookie': cookies } : {}),
    },
    body: Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8'),
  };
}

export function send(response: ServerResponse, { status, headers, body }: Answer, requestId: string): void {
  const { 'content-length': _computed, 'transfer-encoding': _chosen, connection: _own, ...own } = headers;
  const bodiless = status === 204 || status === 304 || status < 200;
  response.writeHead(status, {
    ...own,
    'apigw-requestid': requestId,
    ...(bodiless ? {} : { 'content-length': body.length }),
  });
  response.end(bodiless ? undefined : body);
}
