import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { type InvariantViolationError, violations } from '../../store/invariants.ts';

/** Embedded metric format on standard output: no request to CloudWatch, nothing to pay while nothing happens. */
const metrics = new Metrics({
  namespace: 'Tenure',
  serviceName: process.env['TENURE_STAGE'] ?? 'local',
});

/**
 * Counts something that happened, over all and by `reason`: that becomes a dimension, so it must be one of a few words.
 */
export function count(metric: string, { reason, value = 1 }: { reason?: string; value?: number } = {}): void {
  emit(metric, MetricUnit.Count, value, reason);
}

/** Records how long something took, in ms. */
export function time(metric: string, elapsedMs: number): void {
  emit(metric, MetricUnit.Milliseconds, elapsedMs);
}

function emit(
  metric: string,
  unit: (typeof MetricUnit)[keyof typeof MetricUnit],
  value: number,
  reason?: string,
): void {
  // The total has no reason, for an alarm can watch one metric and no sum over reasons.
  if (reason !== undefined) metrics.addDimensions({}).addDimensions({ reason });
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
