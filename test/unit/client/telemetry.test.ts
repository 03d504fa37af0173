import { metrics, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { loadTelemetry } from '../../../client/telemetry.ts';
import { TenureClient } from '../../../client/tenure-client.ts';

interface Recorded {
  name: string;
  attributes: Record<string, unknown>;
  status?: { code: number; message?: string };
  ended: boolean;
}

let spans: Recorded[] = [];
let durations: { value: number; attributes: Record<string, unknown> }[] = [];

beforeAll(async () => {
  const startSpan = (name: string, { attributes }: { attributes: Record<string, unknown> }) => {
    const recorded: Recorded = { name, attributes: { ...attributes }, ended: false };
    spans.push(recorded);
    return {
      setAttributes: (more: object) => void Object.assign(recorded.attributes, more),
      setStatus: (status: { code: number }) => void Object.assign(recorded, { status }),
      end: () => void Object.assign(recorded, { ended: true }),
    } as unknown as Span;
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) } as never);
  const record = (value: number, attributes: Record<string, unknown>) => void durations.push({ value, attributes });
  metrics.setGlobalMeterProvider({ getMeter: () => ({ createHistogram: () => ({ record }) }) } as never);
  await loadTelemetry();
});
beforeEach(() => {
  spans = [];
  durations = [];
});
afterAll(() => {
  trace.disable();
  metrics.disable();
});

const client = (status: number, body: object) => {
  const answer = () => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
  return new TenureClient({ url: 'http://127.0.0.1:9', fetch: async () => answer(), deadlineMs: 1 });
};

test('a call is a span with its route and group, and a duration without the group', async () => {
  await client(200, { leader: null, fencingVersion: 3, pending: false, availableInMs: 0 }).observe('orders');
  const route = { 'http.request.method': 'GET', 'url.template': '/v1/groups/{group}/leadership' };
  expect(spans).toEqual([
    { name: 'GET /v1/groups/{group}/leadership', attributes: { ...route, 'tenure.group': 'orders' }, ended: true },
  ]);
  expect(durations).toEqual([{ value: expect.any(Number), attributes: route }]);
});

test('a refusal has its code and is no error of the span; a fault is one', async () => {
  const problem = (code: string, status: number) => ({
    type: `urn:tenure:${code}`,
    title: code,
    status,
    detail: code,
    code,
    retryable: false,
  });
  await client(409, problem('leadership_held', 409))
    .contend('orders', { contenderId: 'a' })
    .catch(() => {});
  expect(spans[0]?.attributes).toMatchObject({ 'error.type': 'leadership_held', 'http.response.status_code': 409 });
  expect(spans[0]?.status).toBeUndefined();
  await client(503, problem('unavailable', 503))
    .observe('orders')
    .catch(() => {});
  expect(spans[1]).toMatchObject({
    attributes: { 'error.type': 'unavailable' },
    status: { code: SpanStatusCode.ERROR, message: 'unavailable' },
    ended: true,
  });
  expect(durations.map(({ attributes }) => attributes['error.type'])).toEqual(['leadership_held', 'unavailable']);
});
