import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ArchiveEntry, archiveEntry, type ManifestBody } from '../../../api/archive.ts';
import { folderFiles, folderTarget } from '../../../archive/folder.ts';
import { canonicalLine, payloadName, readManifest, seal } from '../../../archive/format.ts';
import { DamagedError, verifyArchive } from '../../../archive/verifier.ts';
import { type WriterState, writeArchive } from '../../../archive/writer.ts';
import { identity, listedSource, memoryArchive, sampleGroup, sha256 } from '../../support/backups/archives.ts';

const small = { now: () => 1_700_000_000_000, fileBytes: 4_000 };
const options = { now: () => 1_700_000_000_000 };

async function written() {
  const { entries, payloads } = sampleGroup();
  const archive = memoryArchive(payloads);
  const answer = await writeArchive(listedSource(entries), archive.target, identity, options);
  if (!answer) throw new Error('nothing was written');
  return { ...archive, answer, entries };
}

test('the line of an entry has the members in the order of the schema, however they come', () => {
  for (const entry of sampleGroup().entries) {
    const reversed = Object.fromEntries(Object.entries(entry).reverse()) as ArchiveEntry;
    expect(canonicalLine(reversed)).toBe(JSON.stringify(archiveEntry.parse(entry)));
  }
});

const linesOf = (files: Map<string, Buffer>): ArchiveEntry[] =>
  [...files.entries()]
    .filter(([name]) => name.startsWith('entries-'))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([, bytes]) => gunzipSync(bytes).toString().trimEnd().split('\n'))
    .map((line) => JSON.parse(line));

/** Writes the manifest anew from the tampered files, so that only the content can be at fault. */
function resealed(files: Map<string, Buffer>, change: (body: ManifestBody) => void): void {
  const { seal: _seal, ...body } = JSON.parse((files.get('manifest.json') as Buffer).toString());
  change(body);
  files.set('manifest.json', Buffer.from(seal(body)));
}

describe('an archive', () => {
  test('holds every entry and payload, and verifies', async () => {
    const { files, reader, answer, entries } = await written();
    expect(linesOf(files)).toEqual(entries);
    const manifest = await verifyArchive(reader);
    expect(manifest).toMatchObject({
      versions: { format: 2, tenure: '1.2.3' },
      group: 'orders',
      cut: { events: 40 },
      counts: { entries: 37, jobs: 2, checkpoints: 2, logs: 1, logEntries: 30, application: 1, payloads: 4 },
      unreadable: [],
    });
    expect(manifest.counts.entries).toBe(answer.entryCount);
    expect(manifest.counts.bytes).toBe(answer.bytes);
    expect(answer.manifestSha256).toBe(sha256(files.get('manifest.json') as Buffer));
    expect([...files.keys()].at(-1)).toBe('manifest.json');
  });

  test('continues behind the last file that was complete, with the same content', async () => {
    const entries: ArchiveEntry[] = [
      { type: 'log', log: 'events', begin: 0, end: 40, promised: 5 },
      ...Array.from(
        { length: 40 },
        (_, at): ArchiveEntry => ({
          type: 'log-entry',
          log: 'events',
          position: at,
          data: Buffer.alloc(600, at).toString('base64'),
        }),
      ),
    ];
    const whole = memoryArchive();
    await writeArchive(listedSource(entries, 1), whole.target, identity, small);
    const pieces = memoryArchive();
    let from: WriterState | undefined;
    let slices = 0;
    for (let done = false; !done; slices += 1) {
      const answer = await writeArchive(listedSource(entries, 1), pieces.target, identity, {
        ...small,
        ...(from ? { from } : {}),
        onFile: async (state) => {
          from = JSON.parse(JSON.stringify(state));
          return false;
        },
      });
      done = answer !== undefined;
    }
    expect(slices).toBeGreaterThan(3);
    expect(linesOf(pieces.files)).toEqual(entries);
    expect(pieces.files).toEqual(whole.files);
    await verifyArchive(pieces.reader);
  });

  test('keeps no entry of a source that fails, and no manifest', async () => {
    const archive = memoryArchive();
    const source = {
      async *batches() {
        yield { entries: [{ type: 'leadership', fencingVersion: 1, highestVersion: 1 } as const], after: 1 };
        throw new Error('the log was truncated');
      },
    };
    await expect(writeArchive(source, archive.target, identity, options)).rejects.toThrow('truncated');
    expect([...archive.files.keys()]).toEqual([]);
  });

  test('names payloads that were not readable and continues', async () => {
    const { entries, payloads } = sampleGroup();
    const [missing = ''] = [...payloads.keys()];
    payloads.delete(missing);
    const archive = memoryArchive(payloads);
    await writeArchive(listedSource(entries), archive.target, identity, options);
    const manifest = await verifyArchive(archive.reader);
    expect(manifest.unreadable).toEqual([{ name: missing, reason: 'its payload is missing' }]);
    expect(manifest.counts.payloads).toBe(3);
  });

  test('lies in a folder just the same', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tenure-archive-'));
    const { entries, payloads } = sampleGroup();
    const target = folderTarget(folder, async ({ jobId, payloadId }) => {
      const bytes = payloads.get(payloadName(jobId, payloadId));
      return (async function* () {
        if (bytes) yield bytes;
      })();
    });
    await writeArchive(listedSource(entries), target, identity, options);
    const manifest = await verifyArchive(folderFiles(folder));
    expect(manifest.counts.payloads).toBe(4);
    expect((await readdir(folder)).sort()).toEqual(['entries-00000.ndjson.gz', 'manifest.json', 'payloads']);
    const path = join(folder, manifest.payloads[0]?.name ?? '');
    const bytes = await readFile(path);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await expect(verifyArchive(folderFiles(folder))).rejects.toThrow(manifest.payloads[0]?.name);
    await rm(folder, { recursive: true });
  });
});

describe('damage is found', () => {
  test('of any byte of any file', async () => {
    const { files, reader } = await written();
    const names = [...files.keys()];
    await fc.assert(
      fc.asyncProperty(
        fc.nat(names.length - 1),
        fc.nat(1_000_000),
        fc.integer({ min: 1, max: 255 }),
        async (at, offset, mask) => {
          const name = names[at] as string;
          const bytes = files.get(name) as Buffer;
          const place = offset % bytes.length;
          const flipped = Buffer.from(bytes);
          flipped[place] = (flipped[place] ?? 0) ^ mask;
          files.set(name, flipped);
          await expect(verifyArchive(reader)).rejects.toBeInstanceOf(DamagedError);
          files.set(name, bytes);
        },
      ),
      { numRuns: 300 },
    );
    await verifyArchive(reader);
  });

  test('of any file that is missing or cut short', async () => {
    const { files, reader } = await written();
    for (const [name, bytes] of [...files]) {
      files.delete(name);
      await expect(verifyArchive(reader)).rejects.toBeInstanceOf(DamagedError);
      files.set(name, bytes.subarray(0, bytes.length - 1));
      await expect(verifyArchive(reader)).rejects.toBeInstanceOf(DamagedError);
      files.set(name, bytes);
    }
    files.delete('manifest.json');
    await expect(verifyArchive(reader)).rejects.toThrow('no manifest.json');
  });

  const rewritten = async (change: (entries: ArchiveEntry[]) => unknown[]) => {
    const { files, reader, entries } = await written();
    const lines = change(structuredClone(entries)).map((entry) => JSON.stringify(entry));
    const text = `${lines.join('\n')}\n`;
    const bytes = gzipSync(text);
    const name = 'entries-00000.ndjson.gz';
    files.set(name, bytes);
    resealed(files, (body) => {
      body.files = [
        { name, bytes: bytes.length, sha256: sha256(bytes), entries: lines.length, unpacked: Buffer.byteLength(text) },
      ];
      body.counts.entries = lines.length;
      body.counts.bytes = [...body.files, ...body.payloads].reduce((sum, file) => sum + file.bytes, 0);
    });
    return verifyArchive(reader);
  };

  test('in entries whose digests all fit', async () => {
    await expect(rewritten((all) => [...all, { type: 'wish', of: 'a newer version' }])).rejects.toThrow(
      'line 38 (type "wish") is of an unknown type',
    );
    await expect(rewritten((all) => [...all, { type: 'application', data: 1, more: 2 }])).rejects.toBeInstanceOf(
      DamagedError,
    );
    await expect(rewritten((all) => all.slice(0, -1))).rejects.toThrow('counts 1 application, there are 0');
    await expect(rewritten((all) => [all[0], all[2], all[1], ...all.slice(3)])).rejects.toThrow('without its job');
    await expect(
      rewritten((all) =>
        all.map((one) => (one.type === 'log-entry' && one.position === 9 ? { ...one, data: '' } : one)),
      ),
    ).rejects.toThrow('chain');
    await expect(
      rewritten((all) => all.map((one) => (one.type === 'log' ? { ...one, end: 39 } : one))),
    ).rejects.toThrow('cut');
    await expect(
      rewritten((all) => all.map((one) => (one.type === 'log-entry' ? { ...one, position: 9 } : one))),
    ).rejects.toThrow('has position 9 after 9');
    await expect(
      rewritten((all) => all.map((one) => (one.type === 'checkpoint' ? { ...one, bytes: 1 } : one))),
    ).rejects.toThrow('disagree about payloads/');
  });

  test('in a manifest of another format, or of none', () => {
    const text = JSON.stringify({ versions: { format: 3, tenure: '9.0.0' } });
    expect(readManifest(text)).toEqual({ damage: 'manifest.json has format 3, this version of Tenure reads 2' });
    expect(readManifest('{')).toEqual({ damage: 'manifest.json is not JSON' });
    expect(readManifest('null')).toHaveProperty('damage');
  });
});
