import type * as z from 'zod/mini';
import type { Deed } from './deeds.ts';
import type { ProblemKind } from './problem.ts';

/** The functions behind the API: `functions/entry-points/NAME.ts`. */
export type ServingFunction = 'lease' | 'contend' | 'observe' | 'operate' | 'jobs' | 'log' | 'backups' | 'workers';

/** The kinds of callers, by what they need in their group. */
export const allCallers = ['contender', 'leader', 'worker', 'observer', 'operator'] as const;
export type Caller = (typeof allCallers)[number];

export type SuccessStatus = 200 | 201 | 202;

/**
 * One operation of the HTTP API as data: the handlers serve it, the infrastructure makes its route and throttle,
 * the OpenAPI document and the client's types come from it.
 */
export interface Operation<
  Params extends z.ZodMiniType = z.ZodMiniType,
  Query extends z.ZodMiniType = z.ZodMiniType,
  Body extends z.ZodMiniType = z.ZodMiniType,
  Answer extends z.ZodMiniType = z.ZodMiniType,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** In API Gateway's form: `/v1/groups/{group}/leadership`. */
  readonly path: `/v1/${string}`;
  readonly summary: string;
  /** The Lambda function that serves it. */
  readonly servedBy: ServingFunction;
  /** Whose policies open it; nobody's when it belongs to no group. */
  readonly callers: readonly Caller[];
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly answer: Answer;
  /** The status of a success; 200 by default. */
  readonly status?: SuccessStatus;
  /** Further statuses of a success, for instance 200 where what was to be made exists. */
  readonly otherStatuses?: readonly SuccessStatus[];
  /** Whether the headers Fencing-Version and Leader-Session come with it. */
  readonly fence?: 'required' | 'optional';
  /** Header names that it needs besides the fence, with their schema. */
  readonly headers?: Readonly<Record<string, z.ZodMiniType<string>>>;
  /** Bytes of JSON that the body may have; 64 KiB by default. */
  readonly bodyLimit?: number;
  readonly problems: readonly ProblemKind[];
  /**
   * Its Idempotency-Key is kept for a day in an item of its own, one more write, since no record remembers it.
   * `kept`: a rare request, which clients always give a key. `optional`: the same request again has the same effect, so
   * clients give it a key only when asked to.
   */
  readonly key?: 'kept' | 'optional';
  /** The metric that counts its successes. */
  readonly counts?: string;
  /** The metric of how long it takes, in ms. */
  readonly times?: string;
  /** How the journal of the group calls its successes, and which members of request and answer stand there. */
  readonly journals?: { readonly as: Deed; readonly members: readonly string[] };
}

/** Declares an operation and keeps the exact types of its schemas. */
export function operation<const Declared extends Operation>(declared: Declared): Declared {
  return declared;
}
