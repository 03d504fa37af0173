/**
 * A program appends, commits and cross-references while backups of its group run: each thing that it writes says how
 * much was acknowledged when it was begun. Whatever a backup holds, it must hold all of that, too.
 *
 * The whole size prints a line for each backup. A case runs on its own, and where other work keeps the machine busy
 * with bounds that allow for it:
 *
 *   TENURE_TEST_FULL=1 TENURE_STATE_LOCK_MS=30000 TENURE_SUSPEND_TIMEOUT_MS=180000 TENURE_ABANDON_TIMEOUT_MS=120000 \
 *     npx vitest run --project end-to-end test/end-to-end/backups/causality.test.ts -t '200 jobs, by a standby'
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import type { ArchiveEntry } from '../../../api/archive.ts';
import { folderFiles } from '../../../archive/folder.ts';
import { entryBatches } from '../../../archive/lines.ts';
import { DamagedError, parseEntry } from '../../../archive/verifier.ts';
import { Backups, JobRegistry, ReplicatedLog, TenureClient, termFromEnvironment } from '../../../client/index.ts';
import { sizes } from '../../sizes.ts';
import { client, newGroup } from '../leadership/tenure.ts';
import { type Status, start, taken } from './backups.ts';

const { causalBackups, causalJobs } = sizes.backups;
/** A busy machine keeps a writer waiting, and that is not what is tested here. */
const deadlineMs = 600_000;
/** Each of the backups is taken while the program writes as fast as it can. */
const timeoutMs = 120_000 + causalBackups * 60_000;
const withinMs = 600_000;
const logNames = ['alpha', 'beta'];

type Fact =
  | { readonly kind: 'entry'; readonly text: string }
  | { readonly kind: 'commit'; readonly jobId: string; readonly checkpointId: number };

/** A leader that writes to two logs and its jobs until it is stopped. */
async function openProgram(jobs: number) {
  const group = newGroup();
  const patient = new TenureClient({ url: inject('stack').api, deadlineMs, timeoutMs: 30_000 });
  const { fencingVersion, sessionId } = await patient.contend(group, { contenderId: 'leader', leaseMs: 3_600_000 });
  const env = { TENURE_GROUP: group, TENURE_SESSION_ID: sessionId, TENURE_FENCING_VERSION: `${fencingVersion}` };
  const term = termFromEnvironment(env);
  const registry = new JobRegistry({ client: patient, term });
  const jobIds = Array.from({ length: jobs }, (_, at) => `job-${String(at).padStart(3, '0')}`);
  const handles = new Map<string, Awaited<ReturnType<typeof registry.submit>>>();
  for (const jobId of jobIds) handles.set(jobId, await registry.submit(jobId, Buffer.from('a graph')));
  const logs = logNames.map((log) => new ReplicatedLog({ client: patient, group, log }));
  for (const log of logs) await log.create();
  const acknowledged: Fact[] = [];
  let going = true;

  const appending = logs.map(async (log) => {
    const writer = log.writer({ term, deadlineMs });
    while (going) {
      const text = JSON.stringify({ id: randomUUID(), after: acknowledged.length });
      await writer.append([text]);
      acknowledged.push({ kind: 'entry', text });
    }
  });
  /** Of a few jobs each: one that every committer wants would only wait. */
  const committing = [0, 1, 2].map(async (part) => {
    const mine = jobIds.filter((_, at) => at % 3 === part);
    for (let turn = 0; going && mine.length > 0; turn += 1) {
      const jobId = mine[turn % mine.length] as string;
      const metadata = { after: acknowledged.length };
      const { checkpointId } = (await handles.get(jobId)?.add(Buffer.from(`state ${turn}`), { metadata })) ?? {};
      if (checkpointId !== undefined) acknowledged.push({ kind: 'commit', jobId, checkpointId });
    }
  });
  const all = Promise.all([...appending, ...committing]);
  // Its failure is that of `stop`.
  all.catch(() => undefined);
  return {
    group,
    acknowledged,
    async stop() {
      going = false;
      await all;
    },
  };
}

async function entriesIn(group: string, backupId: string): Promise<ArchiveEntry[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tenure-causality-'));
  try {
    const manifest = await new Backups({ client: client(), group }).download(backupId, folder);
    const entries: ArchiveEntry[] = [];
    for (const file of manifest.files) {
      for await (const lines of entryBatches(folderFiles(folder), file, DamagedError)) {
        for (const line of lines) entries.push(parseEntry(file.name, line, 0));
      }
    }
    return entries;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Writes acknowledged before something in the backup began, and missing from it. */
function lackIn(entries: readonly ArchiveEntry[], acknowledged: readonly Fact[]): Fact[] {
  const texts = new Set<string>();
  const next = new Map<string, number>();
  let newest = 0;
  for (const entry of entries) {
    if (entry.type === 'log-entry') {
      const text = Buffer.from(entry.data, 'base64').toString();
      texts.add(text);
      newest = Math.max(newest, JSON.parse(text).after);
    }
    if (entry.type === 'job') next.set(entry.jobId, entry.nextCheckpointId);
    if (entry.type === 'checkpoint') newest = Math.max(newest, Number(entry.metadata?.['after'] ?? 0));
  }
  expect(newest).toBeGreaterThan(0);
  return acknowledged
    .slice(0, newest)
    .filter((fact) =>
      fact.kind === 'entry' ? !texts.has(fact.text) : fact.checkpointId >= (next.get(fact.jobId) ?? 0),
    );
}

function said({ entryCount, pausedMs, phases }: Status): string {
  return `${entryCount} entries, writers paused ${pausedMs} ms, phases ${JSON.stringify(phases)}`;
}

test.each([
  ['one job, by the built-in worker', 1, false],
  ['one job, by a standby', 1, true],
  [`${causalJobs} jobs, by the built-in worker`, causalJobs, false],
  [`${causalJobs} jobs, by a standby`, causalJobs, true],
] as const)(
  'backups of a group with %s hold the causes of everything in them',
  { timeout: timeoutMs },
  async (_what, jobs, delegated) => {
    const program = await openProgram(jobs);
    const { group, acknowledged } = program;
    const finished: (() => unknown)[] = [];
    try {
      if (delegated)
        await start({ onTestFinished: (done) => void finished.push(done as () => unknown) }, group, 'standby');
      for (let number = 1; number <= causalBackups; number += 1) {
        const status = await taken(group, delegated ? {} : { bypassDelegation: true }, withinMs);
        expect(status, JSON.stringify(status)).toMatchObject({ state: 'COMPLETED', pausedMs: expect.any(Number) });
        const entries = await entriesIn(group, status.backupId);
        expect(lackIn(entries, acknowledged), `backup ${number}`).toEqual([]);
        if (sizes.full) console.log(`backup ${number}: ${said(status)}; ${acknowledged.length} writes acknowledged`);
      }
    } finally {
      await program.stop();
      for (const done of finished) await done();
    }
  },
);
