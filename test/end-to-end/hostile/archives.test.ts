/**
 * Archives whose every digest, count and seal fits, and that would harm those who restore or read them: written over
 * HTTP by somebody with no more than a worker's role, then restored by somebody with an operator's.
 */
import { gzipSync } from 'node:zlib';
import { describe, expect, inject, type TestContext, test } from 'vitest';
import { type ArchiveEntry, formatVersion } from '../../../api/archive.ts';
import { chainStart, countEntries, extendChain, noCounts, seal, sha256Of } from '../../../archive/format.ts';
import { begun, ended, filesOf } from '../backups/backups.ts';
import { client, ledGroup, newGroup } from '../leadership/tenure.ts';
import { hostileWorker } from './worker.ts';

const json = { 'content-type': 'application/json' };

/** The calls of an attempt whose secret and address were seen in a request of its worker. */
function attemptSeen(url: URL, init: RequestInit) {
  const headers = { ...(init.headers as Record<string, string>), ...json };
  const send = async (what: string, body?: object) => {
    const target = new URL(url.pathname.replace(/entries$/, what), url);
    const request = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
    const answer = await fetch(target, request);
    const read = (await answer.json()) as Record<string, unknown>;
    if (!answer.ok) throw new Error(`${what} was answered with ${answer.status} ${JSON.stringify(read)}`);
    return read;
  };
  return {
    send,
    async entries() {
      const all: ArchiveEntry[] = [];
      let query = '';
      for (let page = 0; page < 100; page += 1) {
        const { entries, nextCursor } = await send(`entries${query}`);
        all.push(...(entries as ArchiveEntry[]));
        if (nextCursor === undefined) return all;
        query = `?cursor=${encodeURIComponent(String(nextCursor))}`;
      }
      throw new Error('There is no end of pages');
    },
    async put(name: string, bytes: Buffer) {
      const files = [{ name, bytes: bytes.length, sha256: sha256Of(bytes) }];
      const { urls } = (await send('files', { files })) as { urls: { url: string; headers: Record<string, string> }[] };
      const [signed] = urls;
      const stored = await fetch(signed?.url ?? '', { method: 'PUT', headers: signed?.headers ?? {}, body: bytes });
      if (!stored.ok) throw new Error(`${name} was not stored: ${stored.status} ${await stored.text()}`);
    },
  };
}

interface Attack {
  readonly entries: readonly ArchiveEntry[];
  /** The file's text, and how long the manifest says that it is. */
  readonly text: string;
  readonly unpacked?: number;
}

/** Writes such an archive instead of what the worker was served, and says that all is saved. */
async function written(url: URL, init: RequestInit, attack: (served: ArchiveEntry[]) => Attack): Promise<void> {
  const [, group = '', backupId = '', attempt = ''] =
    /groups\/([^/]+)\/backups\/([^/]+)\/attempts\/(\d+)/.exec(url.pathname) ?? [];
  const seen = attemptSeen(url, init);
  const { entries, text, unpacked = Buffer.byteLength(text) } = attack(await seen.entries());
  const bytes = gzipSync(text);
  const file = { name: 'entries-00000.ndjson.gz', bytes: bytes.length, sha256: sha256Of(bytes) };
  const log = entries.filter(({ type }) => type === 'log-entry');
  const manifest = seal({
    versions: { format: formatVersion, tenure: '0.1.0' },
    group,
    backupId,
    attempt: Number(attempt),
    cut: {},
    completedAt: new Date().toISOString(),
    counts: { ...countEntries(noCounts, entries), bytes: bytes.length },
    files: [{ ...file, entries: entries.length, unpacked }],
    payloads: [],
    unreadable: [],
    chain: log.reduce((chain, entry) => extendChain(chain, JSON.stringify(entry)), chainStart),
  });
  await seen.put(file.name, bytes);
  await seen.put('manifest.json', Buffer.from(manifest));
  // Here, since a clean-up may take what a failed backup leaves before its end is seen.
  expect(await filesOf(group, backupId)).toContain(`${attempt}/manifest.json`);
  const counts = { entryCount: entries.length, bytes: bytes.length };
  const prefix = `s3://${inject('stack').bucket}/backups/${group}/${backupId}/${attempt}/`;
  await seen.send('finish', { uri: prefix, ...counts, manifestSha256: sha256Of(manifest) });
}

const lines = (entries: readonly ArchiveEntry[]) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

const changing = (change: (served: ArchiveEntry[]) => ArchiveEntry[]) => (served: ArchiveEntry[]) => {
  const entries = change(served);
  return { entries, text: lines(entries) };
};

const raised = (entry: ArchiveEntry): ArchiveEntry =>
  entry.type === 'leadership' ? { ...entry, fencingVersion: 2 ** 40, highestVersion: 2 ** 40 } : entry;

const forgedJob: ArchiveEntry = {
  type: 'job',
  jobId: 'forged',
  state: 'ACTIVE',
  fence: 2 ** 40,
  retain: 1,
  commits: [],
  nextCheckpointId: 1,
  submittedAt: 1,
  requestId: 'r',
};
const application = (data: unknown): ArchiveEntry => ({ type: 'application', data });
const bomb = `${' '.repeat(1_000_000)}\n`.repeat(200);
const deep = `{"type":"application","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`;

/** A backup of a group whose worker writes such an archive, by hand. */
async function taken(context: TestContext, attack: (served: ArchiveEntry[]) => Attack) {
  const group = await ledGroup();
  const finished: unknown[] = [];
  await hostileWorker(context, group, async (url, init) => {
    if (!url.pathname.endsWith('/entries')) return init;
    finished.push(await written(url, init, attack).catch((error: unknown) => error));
    return new Response('{}', { status: 500 });
  });
  const { backupId } = await begun(group);
  const status = await ended(group, backupId);
  // It was written and reported as every archive is: only the verification can tell.
  expect(finished[0]).toBeUndefined();
  return { group, backupId, status };
}

test.concurrent('an archive that a worker writes by hand completes a backup when nothing is wrong with it', async (context) => {
  const { status } = await taken(
    context,
    changing((served) => [...served, application({ own: 1 })]),
  );
  expect(status).toMatchObject({ state: 'COMPLETED', worker: 'hostile', entryCount: 2 });
});

describe.concurrent('an archive that fits in itself and would harm completes no backup, and nobody restores it:', () => {
  test.for<[string, (served: ArchiveEntry[]) => Attack]>([
    ['a fencing version that no leader ever had', changing((served) => served.map(raised))],
    ['a job that nobody submitted', changing((served) => [...served, forgedJob])],
    ['the term left out, so that versions would begin again', changing(() => [application('of its own')])],
    [
      'a value nested 100,000 deep',
      (served) => ({ entries: [...served, application([])], text: lines(served) + deep }),
    ],
    [
      'a file of kilobytes that unpacks to 200 MB, and says otherwise',
      (served) => ({ entries: served, text: lines(served) + bomb, unpacked: Buffer.byteLength(lines(served)) }),
    ],
    [
      'a number of entries that is not there',
      (served) => ({ entries: [...served, application(1), application(2)], text: lines(served) }),
    ],
  ])('%s', async ([, attack], context) => {
    const { group, backupId, status } = await taken(context, attack);
    expect(status).toMatchObject({ state: 'FAILED', worker: 'hostile' });

    const target = newGroup();
    const uri = `s3://${inject('stack').bucket}/backups/${group}/${backupId}/1/`;
    for (const source of [{ backupId }, { uri }]) {
      for (const into of [target, group]) {
        const answer = await fetch(`${inject('stack').api}/v1/groups/${into}/restore`, {
          method: 'POST',
          headers: { ...json, 'idempotency-key': crypto.randomUUID() },
          body: JSON.stringify(source),
        });
        expect([403, 404, 409, 422], await answer.text()).toContain(answer.status);
      }
    }
    expect(await client().observe(target, { consistent: true })).toMatchObject({ fencingVersion: 0, leader: null });
  });
});
