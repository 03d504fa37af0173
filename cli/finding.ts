/** The result of one check of `tenure doctor`. */
export interface Finding {
  readonly check: string;
  /** A warning does not fail the command. */
  readonly status: 'ok' | 'warning' | 'failed';
  readonly found: string;
  readonly remedy?: string;
}
