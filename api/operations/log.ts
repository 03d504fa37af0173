import * as z from 'zod/mini';
import { operation } from '../operation.ts';
import { limitReached, notFound } from '../problem.ts';
import { leadershipLost } from '../problems/leadership.ts';
import * as problems from '../problems/log.ts';
import { done, headerUuid, instantText, limit, name, nothing, page, pageQuery, wholeText } from '../schema.ts';

export const maxEntries = 64;
export const maxEntryBytes = 256 * 1024;
/** Of one append: it is one item of each replica. */
export const maxAppendBytes = 256 * 1024;

const position = z.int().check(z.minimum(0));
const positionText = wholeText(0);
const sizeOf = (text: string) => Buffer.byteLength(text, 'base64');

/** One entry, in base64. */
export const entryData = z.base64().check(
  z.maxLength(Math.ceil(maxEntryBytes / 3) * 4),
  z.refine((text) => sizeOf(text) <= maxEntryBytes, 'must have at most 256 KiB'),
);

export const log = z.object({ group: name, log: name });
export const logPath = '/v1/groups/{group}/logs/{log}';
const writer = { 'Log-Writer': headerUuid() };

const created = { log: name, autoInitialize: z.boolean(), createdAt: instantText };

export const status = z.enum(['EMPTY', 'STARTING', 'RECOVERING', 'VOTING', 'UNREACHABLE']);

export const member = z.object({
  id: z.string(),
  table: z.string(),
  /** The deployment's own Region unless given. */
  region: z.optional(z.string()),
  /** When the table was created, in epoch ms; 0 if it could not be asked when it became a replica. */
  epoch: z.int(),
});

export const configuration = z.object({
  /** Rises whenever it changes what a quorum is. */
  version: z.int().check(z.minimum(1)),
  replicas: z.array(member),
  /** The members to be, while they change: until JOINT they count for nothing, from then on both do. */
  next: z.optional(z.object({ phase: z.enum(['CATCHING_UP', 'JOINT']), replicas: z.array(member) })),
});

export const shownLog = z
  .object({
    ...created,
    /** The first readable position. */
    begin: position,
    /** The last position, inclusive. */
    end: position,
    /** So many of the replicas must vote. */
    quorum: z.int().check(z.minimum(1), z.maximum(3)),
    voting: z.int().check(z.minimum(0), z.maximum(5)),
    configuration,
    replicas: z.array(
      z.object({
        id: z.string(),
        status,
        begin: position,
        end: position,
        promised: position,
        /** Positions behind the furthest replica. */
        lag: position,
        /** Why it does not vote or does not have everything; left out for one that does. */
        waitsFor: z.optional(z.string()),
      }),
    ),
  })
  .register(z.globalRegistry, { id: 'Log' });

export const createLog = operation({
  method: 'PUT',
  path: logPath,
  summary: 'Create a log (no-op if it exists)',
  servedBy: 'log',
  key: 'kept',
  callers: ['leader', 'operator'],
  params: log,
  query: nothing,
  body: z.strictObject({
    /** True unless given. False: `tenure log init` founds the log. */
    autoInitialize: z.optional(z.boolean()),
  }),
  answer: z.object(created),
  status: 201,
  otherStatuses: [200],
  problems: [limitReached],
});

export const listLogs = operation({
  method: 'GET',
  path: '/v1/groups/{group}/logs',
  summary: 'The logs of the group, in order of their names',
  servedBy: 'log',
  callers: ['leader', 'worker', 'observer', 'operator'],
  params: z.object({ group: name }),
  query: pageQuery,
  body: nothing,
  answer: page(shownLog),
  problems: [problems.replicaMissing],
});

export const showLog = operation({
  method: 'GET',
  path: logPath,
  summary: 'Where a log and each of its replicas stand',
  servedBy: 'log',
  callers: ['leader', 'worker', 'observer', 'operator'],
  params: log,
  query: nothing,
  body: nothing,
  answer: shownLog,
  problems: [problems.replicaMissing, notFound],
});

export const deleteLog = operation({
  method: 'DELETE',
  path: logPath,
  summary: 'Delete a log with everything in it; with a fence only the leader can',
  servedBy: 'log',
  key: 'kept',
  callers: ['operator'],
  params: log,
  query: nothing,
  fence: 'optional',
  body: nothing,
  answer: done,
  problems: [notFound, leadershipLost, problems.truncationHeld],
});

export const electWriter = operation({
  method: 'POST',
  path: `${logPath}/writer`,
  summary: 'Elect a writer; with a fence no older term can win the log back',
  servedBy: 'log',
  key: 'optional',
  journals: { as: 'writer-elected', members: ['log', 'ballot', 'position'] },
  callers: ['leader', 'operator'],
  params: log,
  query: nothing,
  fence: 'optional',
  body: nothing,
  answer: z.object({
    writerId: headerUuid(),
    ballot: z.int().check(z.minimum(1)),
    /** The last position of the log. */
    position,
  }),
  problems: [
    problems.replicaMissing,
    notFound,
    leadershipLost,
    problems.electionLost,
    problems.roundsExhausted,
    problems.logNotRecovered,
  ],
});

export const appendEntries = operation({
  method: 'POST',
  path: `${logPath}/entries`,
  summary: 'Append entries at the end of the log at consecutive positions, all or none',
  servedBy: 'log',
  callers: ['leader', 'operator'],
  params: log,
  query: nothing,
  headers: writer,
  body: z.strictObject({
    entries: z.array(entryData).check(
      z.minLength(1),
      z.maxLength(maxEntries),
      z.refine(
        (entries) => entries.reduce((sum, text) => sum + sizeOf(text), 0) <= maxAppendBytes,
        'must have at most 256 KiB together',
      ),
    ),
  }),
  bodyLimit: 512 * 1024,
  answer: z.object({ first: position, last: position }),
  status: 201,
  problems: [
    problems.replicaMissing,
    notFound,
    problems.notElected,
    problems.exclusivityLost,
    problems.outcomeUnknown,
    problems.stateLocked,
    problems.throttled,
  ],
});

export const truncateLog = operation({
  method: 'POST',
  path: `${logPath}/truncate`,
  summary: 'Make the positions below `to` unreadable',
  servedBy: 'log',
  callers: ['leader', 'operator'],
  params: log,
  query: nothing,
  headers: writer,
  body: z.strictObject({ to: position }),
  answer: z.object({
    /** Where the truncation stands in the log. */
    position,
  }),
  problems: [
    problems.replicaMissing,
    notFound,
    problems.badRange,
    problems.notElected,
    problems.exclusivityLost,
    problems.outcomeUnknown,
    problems.stateLocked,
    problems.throttled,
    problems.truncationHeld,
  ],
});

export const readEntries = operation({
  method: 'GET',
  path: `${logPath}/entries`,
  summary: 'The entries from one position to another, both inclusive',
  servedBy: 'log',
  callers: ['leader', 'worker', 'observer', 'operator'],
  params: log,
  query: z.strictObject({
    /** The first readable position unless given. */
    from: z.optional(positionText),
    /** The last settled position unless given. */
    to: z.optional(positionText),
    limit,
  }),
  body: nothing,
  answer: z.object({
    items: z.array(z.object({ position, data: z.base64() })),
    /** Where the next page begins. */
    nextFrom: z.optional(position),
  }),
  problems: [
    problems.replicaMissing,
    notFound,
    problems.badRange,
    problems.truncated,
    problems.pastEnd,
    problems.pending,
    problems.logNotRecovered,
  ],
});

export const logOperations = {
  createLog,
  deleteLog,
  listLogs,
  showLog,
  electWriter,
  appendEntries,
  truncateLog,
  readEntries,
};
