import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import type { FunctionHost } from '../lambda/host.ts';
import { type BatchRules, deliver, type GivenUp } from './batch.ts';
import { matches } from './pattern.ts';
import { type LambdaRecord, lambdaRecord } from './record.ts';
import { type Positions, shardReader } from './shards.ts';

export interface Mapping extends BatchRules {
  name: string;
  streamArn: string;
  startingPosition: 'LATEST' | 'TRIM_HORIZON';
  batchSize: number;
  /** How long to wait for a batch to fill. */
  windowMs: number;
  /** A record is delivered if it fits any; all are when there is none. */
  patterns: object[];
}

export interface PollerSurroundings {
  streams: DynamoDBStreamsClient;
  functions: FunctionHost;
  /** Keeps how far the mapping came over a restart. */
  positionsFile: string;
  giveUp(mapping: Mapping, shardId: string, what: GivenUp): Promise<void>;
  report(line: string): void;
}

const pollEveryMs = 200;
const afterErrorMs = 1_000;

class StoppedError extends Error {}

/** Polls a stream for one event source mapping, at least once and in order per shard. Returns how to stop it. */
export function startPoller(mapping: Mapping, at: PollerSurroundings): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = run(mapping, at, stopping.signal).catch((cause: unknown) => {
    if (!(cause instanceof StoppedError)) at.report(`stream    ${mapping.name} stopped: ${String(cause)}`);
  });
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}

async function run(mapping: Mapping, at: PollerSurroundings, stopping: AbortSignal): Promise<void> {
  const pause = (ms: number) => pauseUnlessStopped(ms, stopping);
  const reader = shardReader(at.streams, mapping.streamArn, await restore(at.positionsFile), mapping.startingPosition);
  let kept = '';
  while (!stopping.aborted) {
    try {
      const batches = await gather(reader, mapping, pause);
      for (const [shardId, records] of batches) {
        for (let first = 0; first < records.length; first += mapping.batchSize) {
          await deliver(records.slice(first, first + mapping.batchSize), mapping, {
            functions: at.functions,
            now: () => Date.now(),
            pause,
            giveUp: (what) => at.giveUp(mapping, shardId, what),
          });
        }
      }
      const positions = JSON.stringify(reader.positions());
      if (positions !== kept) await keep(at.positionsFile, positions);
      kept = positions;
      if (batches.size === 0) await pause(pollEveryMs);
    } catch (cause) {
      if (stopping.aborted) throw new StoppedError();
      at.report(`stream    ${mapping.name}: ${String(cause)}`);
      await pause(afterErrorMs);
    }
  }
}

/** Reads until a batch is full, the window is over, or, without a window, once. */
async function gather(reader: ReturnType<typeof shardReader>, mapping: Mapping, pause: (ms: number) => Promise<void>) {
  const batches = new Map<string, LambdaRecord[]>();
  let firstAt: number | undefined;
  let isOver = false;
  while (!isOver) {
    for (const { shardId, records } of await reader.read(mapping.batchSize)) {
      const wanted = records
        .map((record) => lambdaRecord(record, mapping.streamArn))
        .filter(
          (record) => mapping.patterns.length === 0 || mapping.patterns.some((pattern) => matches(pattern, record)),
        );
      if (wanted.length > 0) batches.set(shardId, [...(batches.get(shardId) ?? []), ...wanted]);
    }
    if (batches.size > 0) firstAt ??= Date.now();
    const full = [...batches.values()].some((records) => records.length >= mapping.batchSize);
    isOver = firstAt === undefined || full || Date.now() - firstAt >= mapping.windowMs;
    if (!isOver) await pause(pollEveryMs);
  }
  return batches;
}

function pauseUnlessStopped(ms: number, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (stopping.aborted) return reject(new StoppedError());
    const stop = () => {
      clearTimeout(timer);
      reject(new StoppedError());
    };
    const timer = setTimeout(() => {
      stopping.removeEventListener('abort', stop);
      resolve();
    }, ms);
    stopping.addEventListener('abort', stop, { once: true });
  });
}

async function restore(file: string): Promise<Positions> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return '{}';
    throw cause;
  });
  return JSON.parse(text) as Positions;
}

async function keep(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
