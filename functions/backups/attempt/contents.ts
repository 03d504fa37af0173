/**
 * The required content of a backup's archive, page by page: the term, every job as it was at the cut, then every log
 * from its first readable position to the cut. The built-in worker and the workers of the client library read the same
 * pages.
 *
 * A digest is chained over all lines that are served, in order. It travels in the cursor, signed, and the record keeps
 * it with the last page. The verification compares it with the archive: a worker can neither leave out nor invent
 * anything but application entries.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import type { ArchiveEntry, LogHead } from '../../../api/archive.ts';
import { ProblemError, unavailable } from '../../../api/problem.ts';
import { attemptSuperseded } from '../../../api/problems/backups.ts';
import { jsonText } from '../../../api/schema.ts';
import { canonicalLine, chainStart, extendChain } from '../../../archive/format.ts';
import type { ArchivePage } from '../../../archive/ports.ts';
import type { GroupLogs } from '../../../log/group-logs.ts';
import { read } from '../../../log/protocol/reader.ts';
import { invalid } from '../../platform/headers.ts';
import type { BackupRecord, CutContents } from '../backup.ts';
import type { AttemptName } from '../backup-store.ts';
import type { ArchiveBucket, Place } from '../bucket/archive-bucket.ts';
import { attemptPlace } from '../bucket/archive-place.ts';
import { readContents } from './cut-contents.ts';

export interface PageParts {
  readonly bucket: ArchiveBucket;
  readonly bucketName: string;
  readonly logs: GroupLogs;
  /** Called with the last page: the digest over all lines that were served. */
  readonly served: (name: AttemptName, chain: string) => Promise<void>;
}

const entriesPerPage = 4_000;
/** Of data; in base64 it fits into one answer of Lambda. */
const bytesPerPage = 3 * 1024 ** 2;

const count = z.int().check(z.minimum(0));
const placeInGroup = z.union([
  z.strictObject({ jobs: count }),
  /** The log's place among those of the cut, in order of their names, and the next position. */
  z.strictObject({ log: count, from: z.nullable(count) }),
]);
const digest = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const signedCursor = z.strictObject({ at: placeInGroup, chain: digest, mac: digest });

type PlaceInGroup = z.output<typeof placeInGroup>;
interface Cursor {
  readonly at: PlaceInGroup;
  readonly chain: string;
}
interface Page {
  readonly entries: readonly ArchiveEntry[];
  /** Undefined after the last one. */
  readonly next?: PlaceInGroup | undefined;
}

/**
 * A page from the beginning, or from where the cursor of the page before points. Throws `unavailable` while a log has
 * no quorum.
 */
export async function pageOf(parts: PageParts, record: BackupRecord, text: string | undefined): Promise<ArchivePage> {
  const { group, backupId, attempt, contents } = record;
  if (!contents) throw cutAnew(record);
  const cursor = text === undefined ? undefined : readCursor(record, contents, text);
  const { entries, next } = await entriesAt(parts, record, contents, cursor?.at);
  const chain = entries.reduce((sum, entry) => extendChain(sum, canonicalLine(entry)), cursor?.chain ?? chainStart);
  if (next) return { entries, nextCursor: writeCursor(record, contents, { at: next, chain }) };
  await parts.served({ group, backupId, attempt }, chain);
  return { entries };
}

function signature({ attempt }: BackupRecord, { key, token }: CutContents, { at, chain }: Cursor): string {
  return createHmac('sha256', key)
    .update(JSON.stringify([token, attempt, at, chain]))
    .digest('hex');
}

const writeCursor = (record: BackupRecord, contents: CutContents, cursor: Cursor) =>
  JSON.stringify({ ...cursor, mac: signature(record, contents, cursor) });

function readCursor(record: BackupRecord, contents: CutContents, text: string): Cursor {
  const given = z.pipe(jsonText, signedCursor).safeParse(text);
  if (!given.success) throw invalid(given.error);
  const { mac, ...cursor } = given.data;
  const signed = signature(record, contents, cursor);
  if (!timingSafeEqual(Buffer.from(mac, 'hex'), Buffer.from(signed, 'hex'))) throw cutAnew(record);
  return cursor;
}

/** The cursor of another try, or of nobody. */
function cutAnew({ backupId, attempt }: BackupRecord): ProblemError {
  const detail = `The pages of attempt ${attempt} of backup ${backupId} do not continue there; stop working on it.`;
  return new ProblemError(attemptSuperseded, detail, { verdict: 'superseded' });
}

async function entriesAt(
  parts: PageParts,
  record: BackupRecord,
  contents: CutContents,
  at: PlaceInGroup | undefined,
): Promise<Page> {
  const prefix: Place = { bucket: parts.bucketName, key: attemptPlace(record) };
  const logs: PlaceInGroup = { log: 0, from: null };
  if (at === undefined) {
    const head = await readContents(parts.bucket, prefix, contents, 0);
    const entries = head.filter(({ type }) => type === 'leadership');
    return { entries, next: contents.files > 0 ? { jobs: 1 } : logs };
  }
  if ('log' in at) return logPage(parts, record, { prefix, contents, at });
  const entries = await readContents(parts.bucket, prefix, contents, at.jobs);
  return { entries, next: at.jobs < contents.files ? { jobs: at.jobs + 1 } : logs };
}

interface LogPlace {
  readonly prefix: Place;
  readonly contents: CutContents;
  readonly at: { readonly log: number; readonly from: number | null };
}

async function logPage(
  { bucket, logs }: PageParts,
  { group, backupId, cut = {} }: BackupRecord,
  { prefix, contents, at }: LogPlace,
): Promise<Page> {
  const log = Object.keys(cut).sort()[at.log];
  if (log === undefined) return { entries: [] };
  const to = cut[log] ?? 0;
  const head = at.from === null ? await headOf(bucket, prefix, contents, log) : undefined;
  const begin = await logs.heldFrom(group, log, backupId);
  if (begin === undefined || (head && head.begin !== begin)) {
    throw new Error(`Log "${log}" of group "${group}" was truncated since the cut of backup ${backupId}`);
  }
  const next = { log: at.log + 1, from: null };
  const first = at.from ?? begin;
  if (first > to) return { entries: head ? [head] : [], next };
  const parts = await logs.open(group, log);
  const page = await read(parts, { from: first, to, limit: entriesPerPage, maxBytes: bytesPerPage });
  if (!('items' in page)) {
    throw new ProblemError(
      unavailable,
      `Log "${log}" of group "${group}" cannot be read from ${first} to ${to}: ${JSON.stringify(page)}.`,
      { retryAfterMs: 1_000 },
    );
  }
  const entries = page.items.map(
    ({ position, data }): ArchiveEntry => ({
      type: 'log-entry',
      log,
      position,
      data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    }),
  );
  return {
    entries: head ? [head, ...entries] : entries,
    next: page.nextFrom === undefined ? next : { log: at.log, from: page.nextFrom },
  };
}

async function headOf(bucket: ArchiveBucket, prefix: Place, contents: CutContents, log: string): Promise<LogHead> {
  const entries = await readContents(bucket, prefix, contents, 0);
  const head = entries.find((entry): entry is LogHead => entry.type === 'log' && entry.log === log);
  if (!head) throw new Error(`The cut in ${prefix.key} does not know log "${log}"`);
  return head;
}
