import * as z from 'zod/mini';
import { deeds } from '../deeds.ts';
import { operation } from '../operation.ts';
import { fencingVersion, instantText, name, nothing } from '../schema.ts';

/** The journal keeps one day. */
export const journalMs = 24 * 3_600_000;

const count = z.int().check(z.minimum(0));

/** Members of the request and its answer; of a list its length. */
const details = z.object({
  fencingVersion: z.optional(fencingVersion),
  contenderId: z.optional(name),
  successor: z.optional(name),
  jobs: z.optional(count),
  damaged: z.optional(count),
  log: z.optional(name),
  replica: z.optional(z.string()),
  status: z.optional(z.string()),
  ballot: z.optional(count),
  position: z.optional(count),
  add: z.optional(count),
  remove: z.optional(count),
  cancel: z.optional(z.boolean()),
  waitsFor: z.optional(z.string()),
  restoreId: z.optional(z.string()),
  backupId: z.optional(z.string()),
  uri: z.optional(z.string()),
});

export type DeedDetails = z.output<typeof details>;

export const journal = operation({
  method: 'GET',
  path: '/v1/groups/{group}/leadership/journal',
  summary: 'Refusals, waiting contenders and orders of a group, minute by minute, for one day',
  servedBy: 'operate',
  callers: ['leader', 'observer', 'operator'],
  params: z.object({ group: name }),
  query: z.strictObject({
    /** Begin of the period; an hour ago unless given, a day ago at most. */
    since: z.optional(instantText),
  }),
  body: nothing,
  answer: z.object({
    /** False where the deployment keeps no journal: nothing that happens now is added. */
    kept: z.boolean(),
    /** The minutes in which something happened, oldest first. */
    items: z.array(
      z.object({
        /** Begin of the minute. */
        at: instantText,
        /** Requests whose fence was refused. */
        refused: z.array(
          z.object({
            /** Method and path below the group: `POST jobs/totals/checkpoints`. */
            request: z.string(),
            code: z.string(),
            /** Of the request; absent for the rest that the journal has no room to tell apart. */
            fencingVersion: z.optional(fencingVersion),
            count: z.int().check(z.minimum(1)),
          }),
        ),
        /** Contenders that asked for the lease in vain, or looked whether it is free. */
        waiting: z.array(z.object({ contenderId: name, seenAt: instantText })),
        happened: z.array(
          z.object({
            at: instantText,
            what: z.enum(deeds),
            details,
          }),
        ),
      }),
    ),
  }),
  problems: [],
});
