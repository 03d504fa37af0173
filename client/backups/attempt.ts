/** One attempt at a backup, from its acceptance to its finish. */
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type * as z from 'zod/mini';
import { attemptEntries, type command, failAttempt, finishAttempt, heartbeat } from '../../api/operations/workers.ts';
import { toApplicationEntries } from '../../archive/application.ts';
import { folderFiles } from '../../archive/folder.ts';
import { pagedSource } from '../../archive/paged-source.ts';
import type { ArchiveSource } from '../../archive/ports.ts';
import { verifyArchive } from '../../archive/verifier.ts';
import { writeArchive } from '../../archive/writer.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { S3 } from '../jobs/s3.ts';
import { linkedController } from '../linked-controller.ts';
import type { TenureClient } from '../tenure-client.ts';
import { hasCode } from '../tenure-error.ts';
import { sleep, type Time } from '../time.ts';
import { type AttemptCalls, attemptCalls } from './attempt-calls.ts';
import { diskTarget, s3Target } from './attempt-target.ts';
import type { BackupHooks } from './hooks.ts';

export type BackupCommand = Extract<z.output<typeof command>, { type: 'backup' }>;

export interface AttemptContext {
  readonly client: TenureClient;
  readonly group: string;
  readonly host: string;
  /** Where a backup on this machine's disk goes. */
  readonly localDir: string | undefined;
  readonly snapshot: BackupHooks['snapshot'];
  readonly onError: (error: unknown) => void;
  readonly s3: S3;
  readonly pulse: Pulse;
  /** Ended with the verdict, or when the worker closes. */
  readonly ending: AbortController;
}

/** The pause between two heartbeats. */
export interface Pulse {
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** Ends the pause: there may be a verdict to hear. */
  hurry(): void;
}

export function newPulse(time: Time): Pulse {
  let pausing = new AbortController();
  return {
    async wait(ms, signal) {
      const { controller, unlink } = linkedController(signal, pausing.signal);
      await sleep(time, ms, controller.signal);
      unlink();
      pausing = new AbortController();
    },
    hurry: () => pausing.abort(),
  };
}

export type AttemptEnd = { readonly uri: string } | { readonly why: string };

/** Thrown into whatever the attempt is doing when it no longer counts. */
export class AttemptEndedError extends Error {
  override readonly name = 'AttemptEndedError';
  constructor(readonly why: string) {
    super(`The attempt has ended: ${why}`);
  }
}

interface Progress {
  state: 'TRANSITIONING' | 'RUNNING';
  entryCount: number;
  bytes: number;
}

/**
 * Takes the backup, with heartbeats all along. Never throws: what goes wrong is reported to the service, and answered.
 */
export async function takeBackup(context: AttemptContext, command: BackupCommand): Promise<AttemptEnd> {
  const { client, group, ending } = context;
  const { backupId, attempt, attemptSecret } = command;
  const calls = attemptCalls(client, { group, backupId, attempt }, attemptSecret, ending.signal);
  const progress: Progress = { state: 'TRANSITIONING', entryCount: 0, bytes: 0 };
  const stopBeating = new AbortController();
  const beating = beat(context, calls, command, progress, stopBeating.signal);
  try {
    const written = await write(context, calls, command, progress);
    const { verdict } = await calls.call(finishAttempt, { body: written });
    return verdict === 'continue' ? { uri: written.uri } : { why: verdict };
  } catch (error) {
    return { why: await explain(context, calls, error) };
  } finally {
    stopBeating.abort();
    await beating;
  }
}

async function write(context: AttemptContext, calls: AttemptCalls, command: BackupCommand, progress: Progress) {
  const { client, group, snapshot, ending, host, localDir } = context;
  const { backupId, attempt, cut, target } = command;
  const { signal } = ending;
  const state = await snapshot?.({ backupId, attempt, cut, signal });
  signal.throwIfAborted();
  progress.state = 'RUNNING';
  const source = withState(
    pagedSource((cursor) => calls.call(attemptEntries, { query: cursor === undefined ? {} : { cursor } })),
    state,
  );
  const transfer = { s3: context.s3, time: client.time, random: client.random, signal };
  const folder = target.type === 'file' ? join(localDir ?? '.', group, backupId, String(attempt)) : undefined;
  const written = await writeArchive(
    source,
    folder === undefined ? s3Target(calls, transfer) : diskTarget(calls, folder, transfer),
    { group, backupId, attempt, cut, version: packageJson.version },
    {
      now: () => client.time.now(),
      parallelCopies: 64,
      async onFile({ counts }) {
        signal.throwIfAborted();
        progress.entryCount = counts.entries;
        progress.bytes = counts.bytes;
        return true;
      },
    },
  );
  if (!written) throw new AttemptEndedError('superseded');
  if (folder === undefined) return { ...written, uri: target.type === 's3' ? target.prefix : '' };
  // Nobody but this machine can look at its disk.
  await verifyArchive(folderFiles(folder));
  return { ...written, uri: `file://${host}${pathToFileURL(folder).pathname}/` };
}

/** The service's entries, then those of the application. */
function withState(
  source: ArchiveSource,
  state: AsyncIterable<unknown> | Iterable<unknown> | undefined,
): ArchiveSource {
  if (state === undefined) return source;
  // Both are iterable, by byte and by character: what is meant is one value.
  const values = state instanceof Uint8Array || typeof state === 'string' ? [state] : state;
  return {
    async *batches(after) {
      yield* source.batches(after);
      for await (const value of values) {
        yield { entries: toApplicationEntries(value), after: undefined };
        // A state that is all in memory would keep the heartbeats waiting.
        await turn();
      }
    },
  };
}

/** Reports the progress until stopped; a verdict other than `continue` ends the attempt. */
async function beat(
  { ending, onError, pulse }: AttemptContext,
  calls: AttemptCalls,
  { heartbeatMs }: BackupCommand,
  progress: Progress,
  stopped: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([stopped, ending.signal]);
  for (let sequence = 1; !signal.aborted; sequence += 1) {
    try {
      const { verdict } = await calls.call(heartbeat, { body: { ...progress, sequence }, signal });
      if (verdict !== 'continue' && !stopped.aborted) return ending.abort(new AttemptEndedError(verdict));
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    await pulse.wait(heartbeatMs, signal);
  }
}

/** Why the attempt ended; what is not the service's own word is reported to it. */
async function explain({ ending }: AttemptContext, calls: AttemptCalls, error: unknown): Promise<string> {
  const { reason } = ending.signal as { reason: unknown };
  if (ending.signal.aborted) return reason instanceof AttemptEndedError ? reason.why : String(reason);
  if (hasCode(error, 'attempt_superseded')) return String(error.members['verdict']);
  const thrown: Error & { code?: unknown } = error instanceof Error ? error : new Error(String(error));
  const { name, code = name, message } = thrown;
  const own = `worker_${String(code)
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, '_')}`.slice(0, 64);
  await calls.call(failAttempt, { body: { code: own, message: message.slice(0, 512) } }).catch(() => undefined);
  return `${own}: ${message}`;
}
