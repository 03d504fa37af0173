import * as z from 'zod';
import { operation } from '../platform/operation.ts';
import {
  consistent,
  fencingVersion,
  instantText,
  name,
  nothing,
  page,
  pageQuery,
  sessionId,
} from '../platform/schema.ts';
import { groupRestoring, leadershipHeld, leadershipLost } from './problems.ts';

/** A lease is between one second and one hour long; its relation to the clock skew is checked in lease.ts. */
export const leaseMs = z.int().min(1_000).max(3_600_000);
export const defaultLeaseMs = 15_000;

/** Where the leader is reached; with the metadata's limit it keeps the record under 1 KB, a renewal at 1 write unit. */
export const address = z.string().min(1).max(256);
export const metadata = z
  .record(z.string().max(128), z.json())
  .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= 256, 'must have at most 256 bytes as JSON');

const group = z.object({ group: name });
const leadership = '/v1/groups/{group}/leadership';

const leader = z.object({
  contenderId: name,
  sessionId,
  address: z.string(),
  metadata: z.json(),
  confirmedAt: instantText,
  expiresAt: instantText,
});

export const contend = operation({
  method: 'POST',
  path: `${leadership}/contend`,
  summary: 'Ask for the lease of the group',
  servedBy: 'contend',
  params: group,
  query: nothing,
  body: z.strictObject({ contenderId: name, leaseMs: leaseMs.default(defaultLeaseMs) }),
  answer: z.object({
    fencingVersion,
    sessionId,
    leaseMs,
    /** Less than leaseMs when a live term is handed back: the holder's own deadline counts from this. */
    remainingMs: z.int().min(0),
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
  params: group,
  query: nothing,
  fence: 'required',
  body: z.strictObject({ address, metadata: metadata.optional() }),
  answer: z.object({ confirmedAt: instantText, expiresAt: instantText }),
  problems: [leadershipLost],
});

export const renew = operation({
  method: 'POST',
  path: `${leadership}/renew`,
  summary: 'Extend the lease of the running term',
  servedBy: 'lease',
  params: group,
  query: nothing,
  fence: 'required',
  body: z.strictObject({ leaseMs: leaseMs.optional(), address: address.optional(), metadata: metadata.optional() }),
  answer: z.object({ expiresAt: instantText }),
  problems: [leadershipLost],
});

export const resign = operation({
  method: 'POST',
  path: `${leadership}/resign`,
  summary: 'End the own term at once, optionally in favour of a successor',
  servedBy: 'lease',
  params: group,
  query: nothing,
  fence: 'required',
  body: z.strictObject({ successor: name.optional() }),
  answer: nothing,
  problems: [leadershipLost],
});

export const revoke = operation({
  method: 'POST',
  path: `${leadership}/revoke`,
  summary: "End another's term as an operator",
  servedBy: 'operate',
  params: group,
  query: nothing,
  body: z.strictObject({
    fencingVersion,
    reason: z.string().min(1).max(128),
    force: z.boolean().default(false),
    dryRun: z.boolean().default(false),
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

export const observe = operation({
  method: 'GET',
  path: leadership,
  summary: 'The confirmed leader, or none',
  servedBy: 'lease',
  params: group,
  query: z.strictObject({ consistent }),
  body: nothing,
  answer: z.object({
    leader: leader.nullable(),
    fencingVersion: z.int().min(0),
    /** Whether a live term waits for its confirmation. */
    pending: z.boolean(),
  }),
  problems: [],
});

export const terms = operation({
  method: 'GET',
  path: `${leadership}/terms`,
  summary: 'The confirmed terms, newest first',
  servedBy: 'operate',
  params: group,
  query: pageQuery,
  body: nothing,
  answer: page(
    z.object({
      fencingVersion,
      contenderId: name,
      sessionId,
      address: z.string(),
      confirmedAt: instantText,
      endedAt: instantText.optional(),
      endReason: z.enum(['expired', 'superseded', 'revoked', 'resigned']).optional(),
    }),
  ),
  problems: [],
});

export const groups = operation({
  method: 'GET',
  path: '/v1/groups',
  summary: 'The groups with their leaders, for operators',
  servedBy: 'operate',
  params: nothing,
  query: pageQuery,
  body: nothing,
  answer: page(
    z.object({ group: name, fencingVersion: z.int().min(0), leader: leader.nullable(), pending: z.boolean() }),
  ),
  problems: [],
});

export const leadershipOperations = { contend, confirm, renew, resign, revoke, observe, terms, groups };
