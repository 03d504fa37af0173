/** Metrics in CloudWatch's embedded format, as functions write them to standard output. */
import { afterEach, beforeEach, vi } from 'vitest';

export interface EmbeddedMetric {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
    }[];
  };
  readonly service: string;
  readonly [member: string]: unknown;
}

/** Those in a log, in order. */
export const embeddedMetricsIn = (log: string): EmbeddedMetric[] =>
  log
    .split('\n')
    .filter((line) => line.startsWith('{"_aws"'))
    .map((line) => JSON.parse(line) as EmbeddedMetric);

/** Holds standard output back during each test of a file; returns the metrics of a name that the test has written. */
export function captureMetrics(): (name: string) => EmbeddedMetric[] {
  let written = '';
  beforeEach(() => {
    written = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      written += String(chunk);
      return true;
    });
  });
  afterEach(() => vi.restoreAllMocks());
  return (name) => embeddedMetricsIn(written).filter((line) => name in line);
}
