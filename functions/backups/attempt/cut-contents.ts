/**
 * The parts of a group that a cut fixed, kept as objects next to the files of its attempt until the backup is deleted:
 * the term, the heads of the logs, and the lines of every job. The live records continue; the pages of the attempt are
 * read from here.
 *
 *   cut-<token>-00000.ndjson.gz   the term and the head of each log
 *   cut-<token>-00001.ndjson.gz …  jobs with their checkpoints, as they were at the instant of the cut
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { type ArchiveEntry, archiveEntry } from '../../../api/archive.ts';
import { payloadsOf, sha256Of } from '../../../archive/format.ts';
import { payloadsPerFile } from '../../../archive/writer.ts';
import type { CutContents } from '../backup.ts';
import type { ArchiveBucket, Place } from '../bucket/archive-bucket.ts';
import type { JobLines } from './jobs-at-cut.ts';

/** In one answer of Lambda, with what JSON adds. */
const bytesPerFile = 2 * 1024 ** 2;

const placeOf = ({ bucket, key }: Place, token: string, at: number): Place => ({
  bucket,
  key: `${key}cut-${token}-${String(at).padStart(5, '0')}.ndjson.gz`,
});

export async function putContents(
  bucket: ArchiveBucket,
  prefix: Place,
  { token, head, jobs }: { token: string; head: readonly ArchiveEntry[]; jobs: JobLines },
): Promise<number> {
  const put = (at: number, text: string) => {
    const bytes = gzipSync(text, { level: 1 });
    return bucket.put(placeOf(prefix, token, at), bytes, sha256Of(bytes));
  };
  await put(0, head.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  let files = 0;
  for (const text of filesOf(jobs.values())) {
    files += 1;
    await put(files, text);
  }
  return files;
}

/** A job stays together; a file refers to about as many payloads as a file of the archive may. */
function* filesOf(jobs: Iterable<string>): Generator<string> {
  let text = '';
  let payloads = 0;
  for (const lines of jobs) {
    text += lines;
    payloads += payloadsOf(entriesIn(lines)).length;
    if (text.length < bytesPerFile && payloads < payloadsPerFile) continue;
    yield text;
    text = '';
    payloads = 0;
  }
  if (text !== '') yield text;
}

/** One of the objects: 0 for the term and the heads of the logs, then the jobs. */
export async function readContents(
  bucket: ArchiveBucket,
  prefix: Place,
  { token }: CutContents,
  at: number,
): Promise<ArchiveEntry[]> {
  const place = placeOf(prefix, token, at);
  const stream = await bucket.open(place);
  if (!stream) throw new Error(`${place.key} has gone, from which the pages of the attempt are read`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return entriesIn(gunzipSync(Buffer.concat(chunks)).toString('utf8'));
}

const entriesIn = (text: string): ArchiveEntry[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => archiveEntry.parse(JSON.parse(line)));
