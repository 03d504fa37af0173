/**
 * Archives that were verified once, and then did harm in what was restored from them, or in the verification itself.
 */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type ArchiveEntry, type ManifestBody, maxArchivedVersion, maxManifestBytes } from '../../../api/archive.ts';
import { maxVersion, pack } from '../../../api/ballot.ts';
import { chainStart, countEntries, extendChain, noCounts, seal } from '../../../archive/format.ts';
import { mostGaps } from '../../../archive/order.ts';
import { DamagedError, verifyArchive } from '../../../archive/verifier.ts';
import { writeArchive } from '../../../archive/writer.ts';
import { identity, listedSource, memoryArchive, sampleGroup, sha256 } from '../../support/backups/archives.ts';

const name = 'entries-00000.ndjson.gz';

/** An archive whose digests, counts and seal are all as they should be, with these lines. */
async function archiveOf(lines: readonly string[], change: (body: ManifestBody) => void = () => {}) {
  const { payloads } = sampleGroup();
  const archive = memoryArchive(payloads);
  await writeArchive(listedSource(sampleGroup().entries), archive.target, identity, { now: () => 1_700_000_000_000 });
  const { seal: _seal, ...body } = JSON.parse((archive.files.get('manifest.json') as Buffer).toString());
  const text = `${lines.join('\n')}\n`;
  const bytes = gzipSync(text);
  const entries = lines.map((line) => JSON.parse(line) as ArchiveEntry);
  archive.files.set(name, bytes);
  body.files = [{ name, bytes: bytes.length, sha256: sha256(bytes), entries: lines.length, unpacked: text.length }];
  body.cut = Object.fromEntries(entries.flatMap((one) => (one.type === 'log' ? [[one.log, one.end]] : [])));
  body.chain = entries.reduce(
    (chain, one, at) => (one.type === 'log-entry' ? extendChain(chain, lines[at] ?? '') : chain),
    chainStart,
  );
  const size = [...body.files, ...body.payloads].reduce((sum, file) => sum + file.bytes, 0);
  body.counts = { ...countEntries(noCounts, entries), payloads: body.payloads.length, bytes: size };
  change(body);
  archive.files.set('manifest.json', Buffer.from(JSON.stringify(body)));
  try {
    archive.files.set('manifest.json', Buffer.from(seal(body)));
  } catch {
    // A manifest that the schema refuses has no seal: the verification says so before it looks for one.
  }
  return archive;
}

const texts = (entries: readonly object[]) => entries.map((entry) => JSON.stringify(entry));

/** The sample group with one entry changed. */
async function withEntry(type: string, change: object) {
  const { entries } = sampleGroup();
  const at = entries.findIndex((entry) => entry.type === type);
  return archiveOf(texts(entries.map((entry, index) => (index === at ? { ...entry, ...change } : entry))));
}

const log = { type: 'log', log: 'events', begin: 0, end: 10, promised: 5 };
const entryAt = (position: number) => ({ type: 'log-entry', log: 'events', position, data: 'AAAA' });

test('the archive that the others are changed from verifies', async () => {
  const { reader } = await archiveOf(texts(sampleGroup().entries));
  expect(await verifyArchive(reader)).toHaveProperty('counts.jobs', 2);
});

describe('a value that the API would refuse is refused', () => {
  test.each<[string, string, object]>([
    ['a time behind the year 9999', 'job', { submittedAt: 9e15 }],
    ['a time before 1970', 'job', { submittedAt: -1 }],
    ['a fence that leaves no version for another term', 'job', { fence: maxVersion - 1 }],
    ['a fencing version without headroom', 'leadership', { highestVersion: maxArchivedVersion + 1 }],
    ['a ballot without headroom', 'log', { promised: pack(maxVersion, 1) }],
    ['a next checkpoint id that cannot rise', 'job', { nextCheckpointId: Number.MAX_SAFE_INTEGER }],
    ['a position that cannot rise', 'log', { end: Number.MAX_SAFE_INTEGER }],
    ['a log that ends before it begins', 'log', { begin: 41 }],
    ['a retention of nothing', 'job', { retain: 0 }],
    ['metadata of more than 160 bytes', 'job', { metadata: { text: 'x'.repeat(200) } }],
    ['metadata that is no object', 'checkpoint', { metadata: ['a'] }],
    ['a payload of more than 5 TiB', 'checkpoint', { bytes: 6 * 1024 ** 4 }],
    ['a composite checksum of 70,000 parts', 'checkpoint', { composite: `${'A'.repeat(43)}=-70000` }],
    ['a request mark of a megabyte', 'job', { requestId: 'x'.repeat(1_000_000) }],
    ['a result of an active job', 'job', { result: { outcome: 'failed', finishedAt: 1, requestId: 'r' } }],
    ['a finished job without a result', 'job', { state: 'FINISHED' }],
    ['an entry of more than 256 KiB', 'log-entry', { data: Buffer.alloc(400_000).toString('base64') }],
    ['an entry that is no base64', 'log-entry', { data: '%%%%' }],
  ])('%s', async (_what, type, change) => {
    const { reader } = await withEntry(type, change);
    await expect(verifyArchive(reader)).rejects.toBeInstanceOf(DamagedError);
  });

  test('data nested 100,000 deep', async () => {
    const deep = `{"type":"application","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const { reader } = await archiveOf([...texts(sampleGroup().entries), deep]);
    await expect(verifyArchive(reader)).rejects.toThrow('nested more than 128 deep');
  });
});

describe('an order in which nothing can be restored is refused', () => {
  const [term, job, checkpoint] = sampleGroup().entries as [object, object, object];

  test.each<[string, object[], string]>([
    ['a job twice', [term, job, checkpoint, job], 'each comes once, in order'],
    ['a log twice', [log, entryAt(0), log], 'each comes once, in order'],
    ['a job behind a log', [log, entryAt(10), job], 'behind a log'],
    ['a term twice', [term, term], 'behind other entries'],
    ['a checkpoint without its job', [term, checkpoint], 'without its job'],
    ['a checkpoint twice', [term, job, checkpoint, checkpoint], 'twice'],
    [
      'a checkpoint that the job does not know',
      [term, job, { ...checkpoint, payloadId: crypto.randomUUID() }],
      'none of the commits',
    ],
    ['a checkpoint above the next id', [term, job, { ...checkpoint, checkpointId: 2 }], 'whose next id is 2'],
    [
      'more than 32 savepoints',
      [term, { ...job, nextCheckpointId: 50 }, ...savepoints(checkpoint, 33)],
      '32 savepoints already',
    ],
  ])('%s', async (_what, entries, why) => {
    const { reader } = await archiveOf(texts(entries), named);
    await expect(verifyArchive(reader)).rejects.toThrow(why);
  });

  /** So that only the order can be at fault: whatever is referred to is named as unreadable. */
  function named(body: ManifestBody) {
    body.counts.logs = Object.keys(body.cut).length;
    body.unreadable = savepoints(checkpoint, 40).map(({ jobId, payloadId }) => ({
      name: `payloads/${jobId}/${payloadId}`,
      reason: 'gone',
    }));
  }
});

function savepoints(like: object, count: number) {
  return Array.from({ length: count }, (_, at) => ({
    ...(like as { jobId: string }),
    kind: 'savepoint',
    checkpointId: at + 1,
    payloadId: `01934567-89ab-7cde-8f01-9${String(at).padStart(11, '0')}`,
  }));
}

describe('gaps are looked at as ranges', () => {
  test('a gap up to position 300,000,000 is refused at once', async () => {
    const { reader } = await archiveOf(texts([{ ...log, end: 3e8 }, entryAt(0), entryAt(3e8)]));
    const from = performance.now();
    await expect(verifyArchive(reader)).rejects.toThrow('without an entry, at most');
    expect(performance.now() - from).toBeLessThan(2_000);
  });

  test.each([
    ['behind the last entry', [{ ...log, end: mostGaps + 1 }, entryAt(0)]],
    ['of a log without entries', [{ ...log, end: mostGaps }]],
    ['of a log before another', [{ ...log, end: mostGaps + 1 }, entryAt(0), { ...log, log: 'later' }]],
  ])('one that is too long %s', async (_where, entries) => {
    const { reader } = await archiveOf(texts(entries));
    await expect(verifyArchive(reader)).rejects.toThrow('without an entry, at most');
  });

  test('one that can be restored is fine', async () => {
    const { reader } = await archiveOf(texts([{ ...log, end: mostGaps }, entryAt(0)]));
    expect(await verifyArchive(reader)).toHaveProperty('cut.events', mostGaps);
  });
});

describe('time and memory are bounded by what the manifest promises', () => {
  const bomb = gzipSync(Buffer.alloc(200 * 1024 ** 2, '{"type":"application","data":1}\n'));

  test('a small file that unpacks to millions of entries is given up at the promised size', async () => {
    const archive = await archiveOf(texts(sampleGroup().entries), (body) => {
      Object.assign(body.files[0] ?? {}, { bytes: bomb.length, sha256: sha256(bomb) });
    });
    archive.files.set(name, bomb);
    const before = process.memoryUsage().heapUsed;
    const from = performance.now();
    await expect(verifyArchive(archive.reader)).rejects.toThrow('unpacks to more than');
    expect(performance.now() - from).toBeLessThan(2_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 ** 2);
  });

  test('a promise of more than 64 MiB, or of more files than there are names, is none', async () => {
    const large = await archiveOf(texts(sampleGroup().entries), (body) => {
      Object.assign(body.files[0] ?? {}, { unpacked: 200 * 1024 ** 2 });
    });
    await expect(verifyArchive(large.reader)).rejects.toThrow('malformed at files.0.unpacked');
    const repeated = await archiveOf(texts(sampleGroup().entries), (body) => {
      body.files = Array.from({ length: 10_000 }, () => body.files[0] as ManifestBody['files'][0]);
      body.counts.entries *= 10_000;
    });
    await expect(verifyArchive(repeated.reader)).rejects.toThrow('names a file twice');
  });

  test('more entries than the manifest promises are not looked at', async () => {
    const { reader } = await archiveOf(texts(sampleGroup().entries), (body) => {
      Object.assign(body.files[0] ?? {}, { entries: 5 });
      body.counts.entries = 5;
    });
    await expect(verifyArchive(reader)).rejects.toThrow('has more than the 5 entries');
  });

  test('a manifest of any size is read no further than 64 MiB', async () => {
    let read = 0;
    const endless = {
      async open() {
        return (async function* () {
          for (const chunk = Buffer.alloc(1024 ** 2, ' '); read < 10 * maxManifestBytes; read += chunk.length)
            yield chunk;
        })();
      },
    };
    await expect(verifyArchive(endless)).rejects.toThrow(`more than ${maxManifestBytes} bytes`);
    expect(read).toBeLessThanOrEqual(maxManifestBytes + 1024 ** 2);
  });
});

test('the writer refuses what no reader would take, before it is an archive', async () => {
  const archive = memoryArchive();
  const entries: ArchiveEntry[] = [{ type: 'application', data: 'x'.repeat(3 * 1024 ** 2) }];
  await expect(
    writeArchive(listedSource(entries), archive.target, { ...identity, cut: {} }, { now: () => 1 }),
  ).rejects.toThrow('split it');
  expect([...archive.files.keys()].filter((file) => file === 'manifest.json')).toEqual([]);
});
