/** The events on the bus; docs/events.md describes them. A member may be added; any other change is a new version. */
import * as z from 'zod/mini';
import { fencingVersion, name } from './schema.ts';

export const eventSource = 'tenure';
export const eventVersion = 1;

const count = z.int().check(z.minimum(0));
const instant = z.iso.datetime();
const jobId = name;
/** Items may have been edited by hand; one event must not exceed the limit of the bus. */
const text = (longest: number) => z.string().check(z.maxLength(longest));

/** In every event, whatever its type. */
const common = {
  version: z.literal(eventVersion),
  /** Of what happened, not of the message: a duplicate has it again. */
  id: z.string().check(z.minLength(1)),
  /** 40 digits; orders the events of the group as text. */
  sequence: z.string().check(z.regex(/^\d{40}$/)),
  group: name,
  /** When it happened. */
  at: instant,
};

/** The detail of each type of event, by the detail-type. */
export const details = {
  'Leadership Confirmed': z.strictObject({ ...common, fencingVersion, contenderId: name, address: text(256) }),
  'Leadership Ended': z.strictObject({
    ...common,
    fencingVersion,
    contenderId: name,
    reason: z.enum(['expired', 'superseded', 'revoked', 'resigned']),
  }),
  'Job Submitted': z.strictObject({ ...common, jobId, fencingVersion, replaced: z.boolean() }),
  'Job Finished': z.strictObject({
    ...common,
    jobId,
    fencingVersion,
    result: z.enum(['succeeded', 'failed', 'cancelled']),
  }),
  'Checkpoint Committed': z.strictObject({
    ...common,
    jobId,
    fencingVersion,
    checkpointId: z.int().check(z.minimum(1)),
    kind: z.enum(['checkpoint', 'savepoint']),
    bytes: count,
    sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  }),
  'Replica Status Changed': z.strictObject({
    ...common,
    log: name,
    replica: text(128),
    status: z.enum(['EMPTY', 'STARTING', 'RECOVERING', 'VOTING', 'UNREACHABLE']),
    /** Left out when the replica is seen for the first time. */
    previousStatus: z.optional(text(128)),
  }),
  'Backup Finished': z.strictObject({
    ...common,
    backupId: text(128),
    state: z.enum(['COMPLETED', 'FAILED']),
    entryCount: count,
    bytes: count,
    startedAt: instant,
    uri: z.optional(text(2_048)),
    /** Why it failed. */
    errorCode: z.optional(text(128)),
  }),
} satisfies Record<string, z.ZodMiniType>;

export type EventType = keyof typeof details;

export interface TenureEvent {
  readonly type: EventType;
  readonly detail: z.output<(typeof details)[EventType]>;
}
