/**
 * The record of a job as it lies in the table.
 *
 * A commit does not know the record when it writes, and yet must add a reference, drop the oldest and give out the next
 * id in one request. So `checkpoints` and `commits` are shift registers: lists of fixed length, newest first, in which
 * a commit moves every slot one further. Slot i of both belongs to the same checkpoint. Checkpoints that leave the
 * retained part is cut off by the list `retained.cut`: a slot of it that exists (with NULL) stands in the way of what
 * would be moved there.
 *
 * A job that keeps more than 32 checkpoints has plain lists in the place of the registers, which are read and written
 * as a whole.
 *
 * Ids and digests are binary, so that a job that retains 3 checkpoints stays below 2 KB with the longest names and
 * metadata. The item may be damaged, so every part is read by itself.
 */
import * as z from 'zod/mini';
import { fencingVersion, jsonText } from '../../api/schema.ts';
import { listedIn } from '../../leadership/keys.ts';
import { absent, anyOf, equals } from '../../store/condition.ts';
import { askedOf, storedAsked } from './asked.ts';
import { requireJob } from './invariants.ts';
import {
  type CheckpointRef,
  type Commit,
  ghosts,
  intact,
  isMalformed,
  type Job,
  type JobRecord,
  type Malformed,
  maxRetain,
  newestOf,
  type Payload,
  registerSlots,
} from './job.ts';
import { cleanUpPartition, jobKey, jobPrefix } from './keys.ts';

export const checkpointSlots = registerSlots;
export const commitSlots = registerSlots + ghosts;

const nulls = (count: number): null[] => Array.from({ length: count }, () => null);
const padded = <Slot>(slots: readonly Slot[], length: number): (Slot | null)[] => [
  ...slots,
  ...nulls(length - slots.length),
];

/** The slots that no checkpoint may reach, counted from the far end. */
export const cutOff = (retain: number) => nulls(Math.max(0, registerSlots - retain));

export const idBytes = (payloadId: string) => Buffer.from(payloadId.replaceAll('-', ''), 'hex');

function idText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** A reference without its ids: those lie in the register of commits. */
export function storedRef({ bytes, sha256, composite, committedAt, metadata }: Payload & { metadata?: unknown }) {
  return {
    bytes,
    sha256: Buffer.from(sha256, 'hex'),
    at: committedAt,
    ...(composite === undefined ? {} : { composite: compositeBytes(composite) }),
    ...(metadata === undefined ? {} : { metadata: JSON.stringify(metadata) }),
  };
}

/** S3's `base64-parts` as 32 bytes of digest and 2 of count. */
function compositeBytes(composite: string): Buffer {
  const [digest = '', parts] = composite.split('-');
  const bytes = Buffer.alloc(34);
  bytes.set(Buffer.from(digest, 'base64'));
  bytes.writeUInt16BE(Number(parts), 32);
  return bytes;
}

function compositeText(bytes: Uint8Array): string {
  const stored = Buffer.from(bytes);
  return `${stored.subarray(0, 32).toString('base64')}-${stored.readUInt16BE(32)}`;
}

export const storedGraph = (graph: Payload) => ({ id: idBytes(graph.payloadId), ...storedRef(graph) });

/** Both registers, or lists. */
export function storedRegisters(job: Pick<Job, 'checkpoints' | 'commits' | 'retain'>) {
  return {
    checkpoints: storedCheckpoints(job, Math.max(job.retain, checkpointSlots)),
    commits: padded(
      job.commits
        .slice(0, job.retain + ghosts)
        .map((commit) => commit && [idBytes(commit.payloadId), commit.checkpointId]),
      Math.max(job.retain + ghosts, commitSlots),
    ),
  };
}

/** Gaps where one was discarded. */
function storedCheckpoints(
  { checkpoints, commits, retain }: Pick<Job, 'checkpoints' | 'commits' | 'retain'>,
  length: number,
) {
  const byId = new Map(checkpoints.map((ref) => [ref.checkpointId, ref]));
  const slots = commits.map((commit) => {
    const ref = commit && byId.get(commit.checkpointId);
    return ref && !isMalformed(ref) ? storedRef(ref) : null;
  });
  return padded(slots.slice(0, retain), length);
}

/** A register of checkpoints without any. */
export const noSlots = () => nulls(checkpointSlots);

/** The item of a job in any state. @throws InvariantViolationError */
export function toItem(job: Job): Record<string, unknown> {
  requireJob(job);
  return {
    ...jobKey(job.group, job.jobId),
    ...(job.state === 'FINISHED' && job.cleanUp !== 'held' ? owesCleanUp(job.group) : {}),
    state: job.state,
    fence: job.fence,
    graph: job.graph && storedGraph(job.graph),
    metadata: job.metadata === undefined ? undefined : JSON.stringify(job.metadata),
    retain: job.retain,
    cut: cutOff(job.retain),
    ...storedRegisters(job),
    savepoints: Object.fromEntries(
      intact(job.savepoints).map((ref) => [ref.payloadId, [storedRef(ref), ref.checkpointId]] as const),
    ),
    nextCheckpointId: [job.nextCheckpointId],
    newest: newestOf(job),
    revision: job.revision ?? 0,
    submittedAt: job.submittedAt,
    requestId: job.requestId,
    requestBefore: job.requestBefore,
    discardedBy: job.discardedBy,
    ...storedAsked(job.asked),
    result: job.result,
    cleanUp: job.cleanUp,
    heldBy: job.heldBy,
  };
}

/** Nobody may delete items; this one goes at its time to live, and nothing is read in it before. */
export const goneItem = (group: string, jobId: string, now: number) => ({
  ...jobKey(group, jobId),
  gone: true,
  ttl: Math.floor(now / 1_000),
});

export const isNoJob = anyOf(absent('pk'), equals('gone', true));

/** Puts the item into the index where the clean-up looks for it. */
export const owesCleanUp = (group: string) => listedIn(cleanUpPartition, group);

const binary = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const isId = (stored: unknown): stored is Uint8Array => stored instanceof Uint8Array && stored.length === 16;
const count = z.int().check(z.minimum(0));
/** Epoch ms, within what an instant of the API can say. */
const time = z.int().check(z.minimum(0), z.maximum(8_640_000_000_000_000));

const refItem = z.object({
  bytes: count,
  sha256: z.pipe(
    binary.check(z.refine(({ length }) => length === 32)),
    z.transform((digest) => Buffer.from(digest).toString('hex')),
  ),
  at: time,
  composite: z.optional(z.pipe(binary.check(z.refine(({ length }) => length === 34)), z.transform(compositeText))),
  metadata: z.optional(jsonText),
});

const ref = z.pipe(
  refItem,
  z.transform(({ at, ...rest }) => ({ ...rest, committedAt: at })),
);

const savepointItem = z.tuple([ref, count]);

const graph = z.catch(
  z.optional(
    z.pipe(
      z.extend(refItem, { id: z.pipe(z.custom<Uint8Array>(isId), z.transform(idText)) }),
      z.transform(({ id, at, ...rest }) => ({ payloadId: id, ...rest, committedAt: at })),
    ),
  ),
  undefined,
);

const askedSlot = z.catch(z.optional(z.string()), undefined);

const jobItem = z.object({
  state: z.enum(['ACTIVE', 'FINISHED', 'CLEANED']),
  fence: fencingVersion,
  graph,
  metadata: z.catch(z.optional(jsonText), undefined),
  retain: z.int().check(z.minimum(1), z.maximum(maxRetain)),
  checkpoints: z.array(z.unknown()),
  commits: z.pipe(
    z.array(z.unknown()),
    z.transform((slots) => trim(slots.map(commitOf))),
  ),
  savepoints: z.record(z.string(), z.unknown()),
  nextCheckpointId: z.tuple([z.int().check(z.minimum(1))]),
  newest: z.catch(z.optional(z.int().check(z.minimum(-1))), undefined),
  revision: z.catch(count, 0),
  submittedAt: z.catch(time, 0),
  requestId: z.catch(z.string(), ''),
  requestBefore: z.catch(z.optional(z.string()), undefined),
  result: z.catch(
    z.optional(
      z.object({
        outcome: z.enum(['succeeded', 'failed', 'cancelled']),
        detail: z.optional(z.string()),
        finishedAt: time,
        requestId: z.string(),
      }),
    ),
    undefined,
  ),
  discardedBy: z.catch(z.optional(z.string()), undefined),
  a0: askedSlot,
  a1: askedSlot,
  cleanUp: z.catch(z.optional(z.literal('held')), undefined),
  heldBy: z.catch(z.optional(z.string()), undefined),
});

/** Reads an item; damage is returned, not thrown. */
export function toJob(item: Record<string, unknown> | undefined): JobRecord | undefined {
  if (!item || item['gone'] === true) return undefined;
  const name = {
    group: String(item['pk']).slice('GROUP#'.length),
    jobId: String(item['sk']).slice(jobPrefix.length),
  };
  const read = jobItem.safeParse(item);
  if (!read.success) {
    const [issue] = read.error.issues;
    return { ...name, damage: `its record is malformed at ${issue?.path.join('.')}: ${issue?.message}` };
  }
  const { commits, checkpoints, savepoints, nextCheckpointId, newest: newestCheckpointId, ...others } = read.data;
  const { a0, a1, ...rest } = others;
  return {
    ...name,
    ...rest,
    asked: askedOf([a0, a1]),
    nextCheckpointId: nextCheckpointId[0],
    newestCheckpointId,
    commits,
    checkpoints: checkpoints.slice(0, rest.retain).flatMap((stored, at) => checkpointAt(stored, commits[at] ?? null)),
    savepoints: Object.entries(savepoints)
      .map(([id, stored]) => savepoint(id, stored))
      .sort((one, other) => one.checkpointId - other.checkpointId),
  };
}

/** Without the slots that no commit has reached yet. */
function trim(commits: readonly (Commit | null)[]) {
  return commits.slice(0, commits.findLastIndex((commit) => commit !== null) + 1);
}

/** Read by hand: an item has up to 40 of them, over which a schema would take longer than over all the rest. */
function commitOf(stored: unknown): Commit | null {
  if (!Array.isArray(stored) || stored.length !== 2) return null;
  const [id, checkpointId] = stored as [unknown, unknown];
  if (!isId(id) || !count.safeParse(checkpointId).success) return null;
  return { payloadId: idText(id), checkpointId: checkpointId as number };
}

function checkpointAt(stored: unknown, commit: Commit | null): CheckpointRef[] {
  if (stored === null || stored === undefined) return [];
  const read = ref.safeParse(stored);
  if (read.success && commit) return [{ ...read.data, ...commit }];
  return [{ checkpointId: commit?.checkpointId ?? 0, payloadId: commit?.payloadId, malformed: true }];
}

function savepoint(payloadId: string, stored: unknown): CheckpointRef {
  const read = savepointItem.safeParse(stored);
  if (read.success) return { ...read.data[0], payloadId, checkpointId: read.data[1] };
  const id = Array.isArray(stored) && Number.isInteger(stored[1]) ? (stored[1] as number) : 0;
  return { checkpointId: id, payloadId, malformed: true } satisfies Malformed;
}
