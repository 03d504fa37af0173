import * as z from 'zod/mini';
import { maxVersion } from '../ballot.ts';
import { operation } from '../operation.ts';
import { limitReached, notFound } from '../problem.ts';
import { groupInUse, groupRestoring, leadershipHeld, leadershipLost } from '../problems/leadership.ts';
import {
  done,
  fencingVersion,
  flag,
  instantText,
  json,
  name,
  nothing,
  page,
  pageQuery,
  reason,
  sessionId,
  wholeText,
} from '../schema.ts';
import { journal } from './journal.ts';

/** A lease is between one second and one hour long; its relation to the clock skew is checked in lease.ts. */
export const leaseMs = z.int().check(z.minimum(1_000), z.maximum(3_600_000));
export const defaultLeaseMs = 15_000;

/** Where the leader is reached; with the metadata's limit it keeps the record under 1 KB, a renewal at 1 write unit. */
export const address = z.string().check(z.minLength(1), z.maxLength(256));
export const termMetadata = z
  .record(z.string().check(z.maxLength(128)), json)
  .check(z.refine((value) => Buffer.byteLength(JSON.stringify(value)) <= 256, 'must have at most 256 bytes as JSON'));

/** Where one part of the leading application is reached. They have an item of their own. */
export const namedAddress = z.string().check(z.minLength(1), z.maxLength(512));
/** Named addresses that one term may publish. */
export const mostAddresses = 64;
/** Longest time for which a request for the leader is held, ms. */
export const mostWaitMs = 20_000;

/** Names a process: a random UUID will do. Distinguishes two processes with one contender id. */
const instanceId = z.string().check(z.regex(/^[A-Za-z0-9._-]{1,64}$/, 'must match [A-Za-z0-9._-]{1,64}'));

const bar = z.object({ instanceId, until: instantText });

const group = z.object({ group: name });
const leadership = '/v1/groups/{group}/leadership';

const leader = z
  .object({
    contenderId: name,
    sessionId,
    address: z.string(),
    metadata: json,
    confirmedAt: instantText,
    expiresAt: instantText,
  })
  .register(z.globalRegistry, { id: 'Leader' });

export const contend = operation({
  method: 'POST',
  path: `${leadership}/contend`,
  summary: 'Ask for the lease of the group',
  servedBy: 'contend',
  callers: ['contender', 'leader', 'operator'],
  params: group,
  query: nothing,
  body: z.strictObject({
    contenderId: name,
    /** The process that holds the live term gets it back; without it each request is a process of its own. */
    instanceId: z.optional(instanceId),
    leaseMs: z._default(leaseMs, defaultLeaseMs),
  }),
  answer: z.object({
    fencingVersion,
    sessionId,
    leaseMs,
    /** Less than leaseMs when a live term is handed back: the holder's own deadline counts from this. */
    remainingMs: z.int().check(z.minimum(0)),
    expiresAt: instantText,
  }),
  problems: [leadershipHeld, leadershipLost, groupRestoring],
  counts: 'LeasesGranted',
});

export const confirm = operation({
  method: 'POST',
  path: `${leadership}/confirm`,
  summary: 'Publish the leader once it is ready',
  servedBy: 'lease',
  key: 'optional',
  callers: ['contender', 'leader', 'operator'],
  params: group,
  query: nothing,
  fence: 'required',
  body: z.strictObject({ address, metadata: z.optional(termMetadata) }),
  answer: z.object({ confirmedAt: instantText, expiresAt: instantText }),
  problems: [leadershipLost],
});

export const renew = operation({
  method: 'POST',
  path: `${leadership}/renew`,
  summary: 'Extend the lease of the running term',
  servedBy: 'lease',
  key: 'optional',
  callers: ['contender', 'leader', 'operator'],
  params: group,
  query: nothing,
  fence: 'required',
  body: z.strictObject({
    leaseMs: z.optional(leaseMs),
    address: z.optional(address),
    metadata: z.optional(termMetadata),
  }),
  answer: z.object({
    expiresAt: instantText,
    /** Set once an operator has asked for a hand-over: stop the work and resign, for `successor` if it is named. */
    handOver: z.optional(z.object({ successor: z.optional(name) })),
  }),
  problems: [leadershipLost],
});

export const resign = operation({
  method: 'POST',
  path: `${leadership}/resign`,
  summary: 'End the term at once, optionally in favour of a successor',
  servedBy: 'lease',
  callers: ['contender', 'leader', 'operator'],
  params: group,
  query: nothing,
  fence: 'required',
  body: z.strictObject({
    successor: z.optional(name),
    /** Leave the lease to others for one lease time. */
    stayOut: z._default(z.boolean(), true),
    reason: z.optional(reason),
  }),
  answer: done,
  problems: [leadershipLost],
});

export const revoke = operation({
  method: 'POST',
  path: `${leadership}/revoke`,
  summary: "End another's term as an operator",
  servedBy: 'operate',
  callers: ['operator'],
  params: group,
  query: nothing,
  body: z.strictObject({
    fencingVersion,
    reason,
    force: z._default(z.boolean(), false),
    dryRun: z._default(z.boolean(), false),
  }),
  answer: z.object({
    /** False for a dry run. */
    revoked: z.boolean(),
    contenderId: name,
    /** When the lease can be taken by the next contender. */
    takeoverAt: instantText,
  }),
  problems: [leadershipLost],
});

export const handOver = operation({
  method: 'POST',
  path: `${leadership}/hand-over`,
  summary: 'Ask the leader to stop its work and to resign, optionally in favour of a successor',
  servedBy: 'operate',
  journals: { as: 'hand-over-asked', members: ['fencingVersion', 'contenderId', 'successor'] },
  key: 'kept',
  callers: ['operator'],
  params: group,
  query: nothing,
  body: z.strictObject({
    fencingVersion,
    successor: z.optional(name),
    /** Says whom it would ask, and changes nothing. */
    dryRun: z._default(z.boolean(), false),
  }),
  answer: z.object({
    /** The leader, which hears of it with its next renewal. */
    contenderId: name,
    /** False for a dry run. */
    asked: z._default(z.boolean(), true),
  }),
  problems: [leadershipLost],
});

export const observe = operation({
  method: 'GET',
  path: leadership,
  summary: 'The confirmed leader, or none; on request once that changes',
  servedBy: 'observe',
  callers: ['contender', 'leader', 'worker', 'observer', 'operator'],
  params: group,
  query: z.strictObject({
    consistent: flag,
    /** The contender that looks whether the lease is free: the group's journal shows who waits. */
    waiting: z.optional(name),
    /** Hold the answer until the group's version is above this one. */
    afterVersion: z.optional(wholeText(0, maxVersion)),
    /** Hold the answer until the revision is another one. */
    afterRevision: z.optional(z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match [A-Za-z0-9_-]{1,64}'))),
    /** How long to hold it, together with one of the two; one request of a caller and group is held at a time. */
    waitMs: z._default(wholeText(0, mostWaitMs), 0).register(z.globalRegistry, { override: { default: 0 } }),
  }),
  body: nothing,
  answer: z.object({
    leader: z.nullable(leader),
    fencingVersion: z.int().check(z.minimum(0)),
    /** Whether a live term waits for its confirmation. */
    pending: z.boolean(),
    /** The named addresses of the leader; empty without a leader. */
    addresses: z._default(z.record(z.string(), z.string()), {}),
    /** The process that holds the lease, confirmed or not. */
    instanceId: z.optional(z.string()),
    /** Time until somebody else can take the lease, as far as is known now; 0 when it can be taken. */
    availableInMs: z.int().check(z.minimum(0)),
    /** The successor for whom the lease is kept. */
    reservedFor: z.optional(name),
    /** The process whose term was resigned or revoked: it leaves the lease to others until then. */
    barred: z.optional(bar),
    /** An operator has asked the leader for a hand-over. */
    handOver: z.optional(z.object({ successor: z.optional(name) })),
    /** The restore that owns the group for now: contenders are refused until it has ended. */
    restoring: z.optional(z.string()),
    /** Changes whenever another member does, but for instants that a renewal moves and `availableInMs`. */
    revision: z.optional(z.string()),
    /** Whether it was held; false while another request of the caller is: poll, without waiting, for a while. */
    held: z.optional(z.boolean()),
  }),
  problems: [],
});

export const publishAddress = operation({
  method: 'PUT',
  path: `${leadership}/addresses/{name}`,
  summary: 'Publish where a part of the leading application is reached, for as long as the term lasts',
  servedBy: 'lease',
  key: 'optional',
  callers: ['contender', 'leader', 'operator'],
  params: z.object({ group: name, name }),
  query: nothing,
  fence: 'required',
  body: z.strictObject({ address: namedAddress }),
  answer: nothing,
  problems: [leadershipLost, limitReached],
});

export const withdrawAddress = operation({
  method: 'DELETE',
  path: `${leadership}/addresses/{name}`,
  summary: 'Withdraw a named address of the running term; nothing happens when there is none',
  servedBy: 'lease',
  key: 'optional',
  callers: ['contender', 'leader', 'operator'],
  params: z.object({ group: name, name }),
  query: nothing,
  fence: 'required',
  body: nothing,
  answer: nothing,
  problems: [leadershipLost],
});

export const terms = operation({
  method: 'GET',
  path: `${leadership}/terms`,
  summary: 'The confirmed terms, newest first',
  servedBy: 'operate',
  callers: ['leader', 'observer', 'operator'],
  params: group,
  query: pageQuery,
  body: nothing,
  answer: page(
    z.object({
      fencingVersion,
      contenderId: name,
      sessionId,
      address: z.string(),
      /** When the lease was taken; between it and the confirmation the leader got ready. */
      grantedAt: z.optional(instantText),
      confirmedAt: instantText,
      /** Of its confirmation: a term that expired was renewed last so long before its end. */
      leaseMs: z.optional(leaseMs),
      endedAt: z.optional(instantText),
      endReason: z.optional(z.enum(['expired', 'superseded', 'revoked', 'resigned'])),
      /** The operator's words for a revocation. */
      endDetail: z.optional(z.string()),
    }),
  ),
  problems: [],
});

export const groups = operation({
  method: 'GET',
  path: '/v1/groups',
  summary: 'The groups with their leaders, for operators',
  servedBy: 'operate',
  callers: [],
  params: nothing,
  query: pageQuery,
  body: nothing,
  answer: page(
    z.object({
      group: name,
      fencingVersion: z.int().check(z.minimum(0)),
      leader: z.nullable(leader),
      pending: z.boolean(),
    }),
  ),
  problems: [],
});

export const deleteGroup = operation({
  method: 'DELETE',
  path: '/v1/groups/{group}',
  summary: 'Delete a group that nobody leads: its logs, jobs, payloads and terms. Its backups stay',
  servedBy: 'backups',
  key: 'optional',
  callers: ['operator'],
  params: group,
  query: z.strictObject({ dryRun: flag }),
  body: nothing,
  answer: z.object({
    /** False for a dry run, and while there is more than one request can delete: repeat it. */
    deleted: z.boolean(),
    /** Deleted by this request; with dryRun, the least that exists. */
    logs: z.int().check(z.minimum(0)),
    jobs: z.int().check(z.minimum(0)),
    payloads: z.int().check(z.minimum(0)),
  }),
  problems: [notFound, groupInUse],
});

export const leadershipOperations = {
  contend,
  confirm,
  renew,
  resign,
  revoke,
  handOver,
  observe,
  publishAddress,
  withdrawAddress,
  terms,
  groups,
  deleteGroup,
  journal,
};
