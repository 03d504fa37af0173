import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { type InvariantViolationError, violations } from '../../store/invariants.ts';

/** Embedded metric format on standard output: no request to CloudWatch, nothing to pay while nothing happens. */
const metrics = new Metrics({
  namespace: 'Tenure',
  serviceName: process.env['TENURE_STAGE'] ?? 'local',
});

/** Further properties to count a value by; each becomes a dimension. */
interface By {
  /** One of a few words. */
  readonly reason?: string | undefined;
  /** A log, of what happens seldom: each has a price while it sends something. */
  readonly log?: string | undefined;
}

/** Counts something that happened, over all and by what is given. */
export function count(metric: string, { value = 1, ...by }: By & { value?: number } = {}): void {
  emit(metric, MetricUnit.Count, value, by);
}

/** Records how long something took, in ms. */
export function time(metric: string, elapsedMs: number, by: By = {}): void {
  emit(metric, MetricUnit.Milliseconds, elapsedMs, by);
}

function emit(metric: string, unit: (typeof MetricUnit)[keyof typeof MetricUnit], value: number, by: By): void {
  const dimensions = Object.entries(by).flatMap(([name, of]) => (of === undefined ? [] : [{ [name]: of }]));
  // The total has no reason, for an alarm can watch one metric and no sum over reasons.
  if (dimensions.length > 0) metrics.addDimensions({});
  for (const dimension of dimensions) metrics.addDimensions(dimension);
  // Not singleMetric(): each makes a console of its own, which takes longer than all else about a metric.
  metrics.addMetric(metric, unit, value);
  metrics.publishStoredMetrics();
}

const onViolation = (violation: unknown) =>
  count('InvariantViolated', { reason: (violation as InvariantViolationError).invariant });

/** Counts every violation of an invariant in this process, which raises an alarm; twice counts none twice. */
export function countViolations(): void {
  violations.unsubscribe(onViolation);
  violations.subscribe(onViolation);
}
