/**
 * OpenTelemetry, through its API package, where the program has it: a span and a duration for each call. Without an SDK
 * the API records nothing.
 */
import type * as OpenTelemetry from '@opentelemetry/api';
import type { Operation } from '../api/operation.ts';
import { TenureError } from './tenure-error.ts';

type Api = typeof OpenTelemetry;

let api: Api | undefined;
let loading: Promise<void> | undefined;

/** Begins to look for the package; calls that begin before it has been found are not recorded. */
export function loadTelemetry(): Promise<void> {
  loading ??= load();
  return loading;
}

async function load(): Promise<void> {
  try {
    api = await import('@opentelemetry/api');
  } catch {
    // The program has no telemetry.
  }
}

/** Carries out a call as the span `METHOD /path/{template}`, the parent of those that fetch makes. */
export function record<Answer>(
  { method, path }: Operation,
  params: Readonly<Record<string, unknown>> | undefined,
  call: () => Promise<Answer>,
): Promise<Answer> {
  if (!api) return call();
  const { context, metrics, SpanKind, SpanStatusCode, trace } = api;
  const attributes = { 'http.request.method': method, 'url.template': path };
  const group = params?.['group'];
  const more = typeof group === 'string' ? { 'tenure.group': group } : {};
  const span = trace.getTracer('tenure').startSpan(`${method} ${path}`, {
    kind: SpanKind.CLIENT,
    attributes: { ...attributes, ...more },
  });
  const startedAt = performance.now();
  const end = (outcome: Record<string, string | number>) => {
    span.setAttributes(outcome);
    span.end();
    const seconds = (performance.now() - startedAt) / 1_000;
    const { 'error.type': error } = outcome;
    // Not by group: a metric has a series for each combination of attributes.
    durations(metrics).record(seconds, { ...attributes, ...(error !== undefined && { 'error.type': error }) });
  };
  return context.with(trace.setSpan(context.active(), span), call).then(
    (answer) => {
      end({});
      return answer;
    },
    (error: unknown) => {
      const { code, status } = error instanceof TenureError ? error : { code: nameOf(error), status: 0 };
      // A lease that another holds is an answer, not a fault of the call.
      if (status === 0 || status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
      end({ 'error.type': code, ...(status > 0 && { 'http.response.status_code': status }) });
      throw error;
    },
  );
}

const durations = (metrics: Api['metrics']) =>
  metrics.getMeter('tenure').createHistogram('tenure.client.call.duration', {
    unit: 's',
    description: 'Calls of the Tenure client, retries included',
  });

const nameOf = (error: unknown) => (error instanceof Error ? error.name : typeof error);
