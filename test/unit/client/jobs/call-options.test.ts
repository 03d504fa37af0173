import { expect, test } from 'vitest';
import {
  CheckpointStore,
  JobRegistry,
  type LeadingTerm,
  ReplicatedLog,
  TenureClient,
} from '../../../../client/index.ts';

const term: LeadingTerm = {
  group: 'orders',
  fencingVersion: 1,
  sessionId: '11111111-1111-4111-8111-111111111111',
  signal: new AbortController().signal,
  end: () => {},
};

/** A service that never answers. */
const silent: typeof fetch = (_url, init) =>
  new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)));

const client = new TenureClient({ url: 'http://127.0.0.1:9', fetch: silent });
const registry = new JobRegistry({ client, term });
const checkpoints = new CheckpointStore({ client, term, jobId: 'job' });
const log = new ReplicatedLog({ client, group: 'orders', log: 'events' });

type Call = { readonly signal: AbortSignal };
const calls: readonly [string, (call: Call) => Promise<unknown>][] = [
  ['registry.clean', (call) => registry.clean('job', call)],
  ['registry.list', (call) => registry.list({}, call).next()],
  ['registry.show', (call) => registry.show('job', call)],
  ['checkpoints.latest', (call) => checkpoints.latest(call)],
  ['checkpoints.list', (call) => checkpoints.list(call)],
  ['checkpoints.get', (call) => checkpoints.get(1, call)],
  ['checkpoints.reserve', (call) => checkpoints.reserve({}, call)],
  ['checkpoints.discard', (call) => checkpoints.discard(1, {}, call)],
  ['checkpoints.discardSavepoint', (call) => checkpoints.discardSavepoint(1, call)],
  ['checkpoints.discardAll', (call) => checkpoints.discardAll(call)],
  ['log.create', (call) => log.create({}, call)],
  ['log.status', (call) => log.status(call)],
];

test.each(calls)('%s ends with the signal of its caller, and the term continues', async (_, call) => {
  const ending = new AbortController();
  const called = call({ signal: ending.signal });
  called.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 0));
  const reason = new Error('enough');
  ending.abort(reason);
  await expect(called).rejects.toBe(reason);
  expect(term.signal.aborted).toBe(false);
});
