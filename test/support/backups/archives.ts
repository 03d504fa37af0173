import { createHash } from 'node:crypto';
import type { ArchiveEntry } from '../../../api/archive.ts';
import type { ReferredPayload } from '../../../archive/format.ts';
import { payloadName } from '../../../archive/format.ts';
import type { ArchiveFiles, ArchiveSource, ArchiveTarget } from '../../../archive/ports.ts';

export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

/** An archive in memory that a test can read and tamper with. */
export function memoryArchive(payloads: ReadonlyMap<string, Buffer> = new Map()) {
  const files = new Map<string, Buffer>();
  const target: ArchiveTarget = {
    async put(name, bytes) {
      files.set(name, Buffer.from(bytes));
    },
    async copy({ jobId, payloadId, sha256: digest }: ReferredPayload) {
      const name = payloadName(jobId, payloadId);
      const bytes = payloads.get(name);
      if (!bytes) return { unreadable: { name, reason: 'its payload is missing' } };
      files.set(name, bytes);
      return { file: { name, bytes: bytes.length, sha256: digest } };
    },
  };
  const reader: ArchiveFiles = {
    async open(name) {
      const bytes = files.get(name);
      return bytes && slices(bytes);
    },
  };
  return { files, target, reader };
}

async function* slices(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000);
}

/** Entries in batches of the given size; the cursor is the number of the next entry. */
export function listedSource(entries: readonly ArchiveEntry[], size = 10): ArchiveSource {
  return {
    async *batches(after) {
      for (let at = (after as number | undefined) ?? 0; at < entries.length; at += size) {
        yield { entries: entries.slice(at, at + size), after: at + size };
      }
    },
  };
}

export const identity = {
  group: 'orders',
  backupId: '01934567-89ab-7cde-8f01-23456789abcd',
  attempt: 1,
  cut: { events: 40 },
  version: '1.2.3',
};

const uuid = (number: number) => `01934567-89ab-7cde-8f01-${String(number).padStart(12, '0')}`;

/** A group with two jobs, one payload each, and one log. */
export function sampleGroup(): { entries: ArchiveEntry[]; payloads: Map<string, Buffer> } {
  const payloads = new Map<string, Buffer>();
  const payloadOf = (jobId: string, number: number) => {
    const bytes = Buffer.from(`payload ${number} of ${jobId}`.repeat(50));
    payloads.set(payloadName(jobId, uuid(number)), bytes);
    return { payloadId: uuid(number), bytes: bytes.length, sha256: sha256(bytes), committedAt: 1_000 + number };
  };
  const job = (jobId: string, number: number): ArchiveEntry[] => [
    {
      type: 'job',
      jobId,
      state: 'ACTIVE',
      fence: 7,
      graph: payloadOf(jobId, number),
      retain: 2,
      commits: [{ payloadId: uuid(number + 1), checkpointId: 1 }],
      nextCheckpointId: 2,
      submittedAt: 999,
      requestId: `r-${number}`,
    },
    { type: 'checkpoint', jobId, kind: 'checkpoint', checkpointId: 1, ...payloadOf(jobId, number + 1) },
  ];
  const entries: ArchiveEntry[] = [
    { type: 'leadership', fencingVersion: 7, highestVersion: 9, contenderId: 'a' },
    ...job('j-1', 10),
    ...job('j-2', 20),
    { type: 'log', log: 'events', begin: 3, end: 40, promised: 5 },
    ...Array.from(
      { length: 30 },
      (_, at): ArchiveEntry => ({
        type: 'log-entry',
        log: 'events',
        position: 5 + at,
        data: Buffer.from(`entry ${at}`).toString('base64'),
      }),
    ),
    { type: 'application', data: { anything: ['of', 'its', 'own'] } },
  ];
  return { entries, payloads };
}
