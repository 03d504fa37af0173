import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { tidyLocalBackups } from '../../../../client/backups/local-backups.ts';
import { TenureClient } from '../../../../client/tenure-client.ts';

const id = (last: number) => `01934567-89ab-7cde-8f01-00000000000${last}`;

type Known = { state: string; attempt: number; error?: object } | 'deleted' | 'unknown';

/** A folder with attempts, and a service that knows of some of their backups. */
function disk(known: Readonly<Record<string, Known>>) {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-local-backups-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const answer = async (url: Parameters<typeof fetch>[0]) => {
    const backupId = String(url).split('/').at(-1) ?? '';
    const found = known[backupId] ?? 'unknown';
    if (typeof found === 'object') {
      const facts = { backupId, group: 'orders', entryCount: 0, bytes: 0, phases: {}, refusals: [] };
      return Response.json({ ...facts, startedAt: '2026-11-24T20:02:08.403Z', ...found });
    }
    const deleted = found === 'deleted' ? { deletedAt: '2026-11-24T20:02:08.403Z' } : {};
    return Response.json({ code: 'not_found', detail: 'gone', retryable: false, ...deleted }, { status: 404 });
  };
  const client = new TenureClient({ url: 'http://tenure.test', fetch: answer as typeof fetch });
  return {
    folder,
    put(backupId: string, attempt: number | string, ...files: string[]) {
      const place = join(folder, 'orders', backupId, String(attempt));
      mkdirSync(place, { recursive: true });
      for (const file of files) writeFileSync(join(place, file), 'x');
    },
    tidy: (busyWith?: string) =>
      tidyLocalBackups({
        ...{ client, group: 'orders', folder, signal: new AbortController().signal },
        isBusyWith: (backupId) => backupId === busyWith,
      }),
    attempts: (backupId: string) => {
      const place = join(folder, 'orders', backupId);
      return existsSync(place) ? readdirSync(place).sort() : 'nothing';
    },
  };
}

const whole = ['entries-00000.ndjson.gz', 'manifest.json'];
const partial = ['entries-00000.ndjson.gz', 'entries-00001.ndjson.gz.7a1c.part'];

test('a deleted or failed backup goes, whole or partial', async () => {
  const { put, tidy, attempts } = disk({ [id(1)]: 'deleted', [id(2)]: { state: 'FAILED', attempt: 1 } });
  put(id(1), 1, ...whole);
  put(id(2), 1, ...partial);
  expect(await tidy()).toEqual([id(1), id(2)]);
  expect([attempts(id(1)), attempts(id(2))]).toEqual(['nothing', 'nothing']);
});

test('the attempt that is the backup, or is becoming it, stays; those of before go', async () => {
  const { put, tidy, attempts } = disk({
    [id(1)]: { state: 'COMPLETED', attempt: 2 },
    [id(2)]: { state: 'RUNNING', attempt: 2 },
  });
  for (const backupId of [id(1), id(2)]) {
    put(backupId, 1, ...partial);
    put(backupId, 2, ...whole);
  }
  expect(await tidy()).toEqual([id(1), id(2)]);
  expect([attempts(id(1)), attempts(id(2))]).toEqual([['2'], ['2']]);
  expect(await tidy()).toEqual([]);
});

test('a backup that the service has never heard of stays if it is whole: its stage may be lost', async () => {
  const { put, tidy, attempts } = disk({});
  put(id(1), 1, ...whole);
  put(id(1), 2, ...partial);
  expect(await tidy()).toEqual([id(1)]);
  expect(attempts(id(1))).toEqual(['1']);
});

test('a whole backup stays when its record cannot be read, although it is shown as failed', async () => {
  const error = { code: 'record_damaged', message: 'Its record cannot be read' };
  const { put, tidy, attempts } = disk({ [id(1)]: { state: 'FAILED', attempt: 0, error } });
  put(id(1), 1, ...whole);
  expect(await tidy()).toEqual([]);
  expect(attempts(id(1))).toEqual(['1']);
});

test('a backup that this process is writing, and a folder that is no backup, are left alone', async () => {
  const { put, tidy, attempts, folder } = disk({ [id(1)]: 'deleted' });
  put(id(1), 1, ...partial);
  put('photos', 1, 'a.jpg');
  put(id(2), 'notes', 'a.txt');
  expect(await tidy(id(1))).toEqual([]);
  expect([attempts(id(1)), attempts('photos'), attempts(id(2))]).toEqual([['1'], ['1'], ['notes']]);
  rmSync(join(folder, 'orders'), { recursive: true });
  expect(await tidy()).toEqual([]);
});
