import { expect, test } from 'vitest';
import { readApplication, toApplicationEntries } from '../../../archive/application.ts';
import { DamagedError, openManifest } from '../../../archive/verifier.ts';
import { writeArchive } from '../../../archive/writer.ts';
import { identity, listedSource, memoryArchive, sampleGroup } from '../../support/backups/archives.ts';

/** An archive of the sample group whose worker added these values; its files are small, so that there are several. */
async function archiveWith(values: readonly unknown[]) {
  const { entries, payloads } = sampleGroup();
  const archive = memoryArchive(payloads);
  const own = entries.filter(({ type }) => type !== 'application');
  const source = listedSource([...own, ...values.flatMap(toApplicationEntries)], 3);
  await writeArchive(source, archive.target, identity, { now: () => 1_700_000_000_000, fileBytes: 500 });
  const { manifest } = await openManifest(archive.reader);
  return { ...archive, manifest };
}

async function read({ reader, manifest }: Awaited<ReturnType<typeof archiveWith>>): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of readApplication(reader, manifest)) values.push(value);
  return values;
}

test('JSON values come back as they were, in order', async () => {
  const values = [{ balance: 5 }, null, 'text', 7, ['a', { b: [true] }], ''];
  expect(await read(await archiveWith(values))).toEqual(values);
});

test('bytes come back as bytes, long ones in pieces', async () => {
  const bytes = Buffer.from(Array.from({ length: 700_001 }, (_, at) => (at * 7919) % 256));
  const values = await read(await archiveWith([bytes, new Uint8Array([0, 255]), { after: 1 }]));
  expect(values.pop()).toEqual({ after: 1 });
  expect(values.every((value) => value instanceof Uint8Array)).toBe(true);
  expect(Buffer.concat(values as Uint8Array[]).equals(Buffer.concat([bytes, Buffer.from([0, 255])]))).toBe(true);
});

test('a backup without application state has no values, and reads no file', async () => {
  const archive = await archiveWith([]);
  archive.files.clear();
  expect(await read(archive)).toEqual([]);
});

test('the longest value that is accepted can be read', async () => {
  const longest = 'x'.repeat(2 * 1024 ** 2 - 1024 - 2);
  expect((await read(await archiveWith([longest])))[0] === longest).toBe(true);
});

test('only the files that hold the state are read', async () => {
  const archive = await archiveWith(['the last entry']);
  const names = archive.manifest.files.map(({ name }) => name);
  expect(names.length).toBeGreaterThan(2);
  for (const name of names.slice(0, -1)) archive.files.delete(name);
  expect(await read(archive)).toEqual(['the last entry']);
});

test('a changed file ends the reading with an error', async () => {
  const archive = await archiveWith(['one', 'two']);
  const last = archive.manifest.files.at(-1)?.name ?? '';
  const other = await archiveWith(['one', 'owt']);
  archive.files.set(last, other.files.get(other.manifest.files.at(-1)?.name ?? '') ?? Buffer.alloc(0));
  await expect(read(archive)).rejects.toThrow(DamagedError);
});

test('a value that is no JSON, or too long for an entry, is refused before anything is written', () => {
  expect(() => toApplicationEntries(undefined)).toThrow(TypeError);
  expect(() => toApplicationEntries(() => 1)).toThrow('function');
  expect(() => toApplicationEntries('x'.repeat(2 * 1024 ** 2 - 1024))).toThrow(RangeError);
  expect(() => toApplicationEntries('é'.repeat(1024 ** 2)), 'bytes count, not characters').toThrow(RangeError);
});
