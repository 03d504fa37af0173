/** One kind of answer that is not a success; every room declares its own, the documentation lists them all. */
export interface ProblemKind {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  /** Whether the very same request can succeed later. */
  readonly retryable: boolean;
  /** The caller's next step; shown in the documentation. */
  readonly remedy: string;
  /** The metric that counts it, by its member `reason` when it has one. */
  readonly counts?: string;
}

export interface ProblemMembers {
  readonly retryAfterMs?: number;
  readonly [member: string]: unknown;
}

/** An RFC 9457 problem, thrown by protocols and answered as `application/problem+json`. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly kind: ProblemKind,
    /** Names the thing, both values and what to do next. */
    readonly detail: string,
    readonly members: ProblemMembers = {},
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }

  get code(): string {
    return this.kind.code;
  }

  toJSON(): Record<string, unknown> {
    const { code, status, title, retryable } = this.kind;
    return { type: `urn:tenure:${code}`, title, status, detail: this.detail, code, retryable, ...this.members };
  }
}

export const invalidRequest: ProblemKind = {
  code: 'invalid_request',
  status: 400,
  title: 'The request is not valid',
  retryable: false,
  remedy: 'Correct what `issues` names; nothing was written.',
};

export const forbidden: ProblemKind = {
  code: 'forbidden',
  status: 403,
  title: 'The caller may not do this',
  retryable: false,
  remedy: 'Grant the caller execute-api:Invoke on the group in the path.',
};

export const notFound: ProblemKind = {
  code: 'not_found',
  status: 404,
  title: 'There is no such thing',
  retryable: false,
  remedy: 'Check the names in the path.',
};

export const methodNotAllowed: ProblemKind = {
  code: 'method_not_allowed',
  status: 405,
  title: 'The path does not take this method',
  retryable: false,
  remedy: 'Use one of the methods in the Allow header.',
};

export const fenceRequired: ProblemKind = {
  code: 'fence_required',
  status: 428,
  title: "A leader's request needs its fence",
  retryable: false,
  remedy: 'Send Fencing-Version and Leader-Session as contend answered them.',
};

export const limitReached: ProblemKind = {
  code: 'limit_reached',
  status: 409,
  title: 'The group has as many of these as it may have',
  retryable: false,
  remedy: 'Remove what is no longer needed; `of` names what, `limit` how many.',
};

export const idempotencyKeyReused: ProblemKind = {
  code: 'idempotency_key_reused',
  status: 422,
  title: 'The Idempotency-Key belongs to another request',
  retryable: false,
  remedy: 'Make a new key for each new request; keep it only over the retries of one.',
};

export const unavailable: ProblemKind = {
  code: 'unavailable',
  status: 503,
  title: 'A store is throttled or cannot be reached',
  retryable: true,
  remedy: 'Try again with the same Idempotency-Key after retryAfterMs.',
};

export const contention: ProblemKind = {
  code: 'contention',
  status: 503,
  title: 'Too many writers change one thing at once',
  retryable: true,
  remedy: 'Retry with the same Idempotency-Key after retryAfterMs.',
};

export const internal: ProblemKind = {
  code: 'internal',
  status: 500,
  title: 'The service failed',
  retryable: true,
  remedy: 'Try again with the same Idempotency-Key; report the request id if it stays.',
};

/** The problems that any route can answer. */
export const platformProblems = [
  invalidRequest,
  forbidden,
  notFound,
  methodNotAllowed,
  fenceRequired,
  idempotencyKeyReused,
  unavailable,
  contention,
  internal,
] as const;
