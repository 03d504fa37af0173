import type { ProblemCode } from '../api/codes.ts';

/**
 * Codes that the library adds to those of the API: `unreachable` (no answer came, or there are no credentials),
 * `throttled` (API Gateway's 429), `unexpected_answer` (the server is not this API), `timed_out` (what was waited for
 * continues), `transfer_failed`, `payload_damaged`, `folder_in_use`, `restore_failed`, and
 * `not_supported` (direct mode has leadership, and with `replicas` logs).
 */
export type ClientCode =
  | 'folder_in_use'
  | 'not_supported'
  | 'payload_damaged'
  | 'restore_failed'
  | 'timed_out'
  | 'transfer_failed'
  | 'unexpected_answer'
  | 'unreachable';

/**
 * The code that programs switch on. A newer service may answer codes that this version of the library does not know.
 */
export type ErrorCode = ProblemCode | ClientCode;

/** An error's members in addition to its message. */
export interface ErrorFacts {
  /** The problem's code as in the API (`leadership_held`, `unavailable`, …), or one of the library's own. */
  readonly code: ErrorCode | (string & {});
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Whether the very same request can succeed later. */
  readonly retryable: boolean;
  /** How long the server asks to wait, in ms. */
  readonly retryAfterMs?: number | undefined;
  /** Everything else that the problem carries, for instance `holder` or `issues`. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Method and path of the request. */
  readonly request: string;
  /** The id of the request in the logs of AWS. */
  readonly requestId?: string | undefined;
}

/**
 * Every failure of the library, `LeadershipLostError` included. The message names the thing, both values and the next
 * step.
 *
 * @example
 * ```ts
 * import { TenureClient, TenureError } from 'tenure';
 *
 * try {
 *   await new TenureClient().observe('orders');
 * } catch (error) {
 *   if (error instanceof TenureError) console.error(error.code, error.status, error.requestId, error.message);
 * }
 * ```
 */
export class TenureError extends Error implements ErrorFacts {
  override readonly name: string = 'TenureError';
  readonly code: ErrorCode | (string & {});
  readonly status: number;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly members: Readonly<Record<string, unknown>>;
  readonly request: string;
  readonly requestId: string | undefined;

  constructor(message: string, facts: ErrorFacts, options?: ErrorOptions) {
    super(message, options);
    this.code = facts.code;
    this.status = facts.status;
    this.retryable = facts.retryable;
    this.retryAfterMs = facts.retryAfterMs;
    this.members = facts.members ?? {};
    this.request = facts.request;
    this.requestId = facts.requestId;
  }
}

/**
 * Tells one of our errors by its code.
 *
 * @example
 * ```ts
 * import { hasCode, TenureClient } from 'tenure';
 *
 * try {
 *   await new TenureClient().contend('orders', { contenderId: 'a' });
 * } catch (error) {
 *   if (!hasCode(error, 'leadership_held')) throw error;
 *   console.log(`another process leads; contend again in ${error.retryAfterMs} ms`);
 * }
 * ```
 */
export function hasCode<Code extends ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is TenureError & { readonly code: Code } {
  return error instanceof TenureError && (codes as readonly string[]).includes(error.code);
}
