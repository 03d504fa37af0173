import type { Json, Phase, Thread } from '../model.ts';
import { isObject } from '../protocol.ts';
import { leave, startThread } from './flow.ts';
import { evaluate, evaluateAs, type Run, record, stateOf } from './run.ts';

type Children = Extract<Phase, { kind: 'children' }>;

/** AWS runs at most 40 iterations of an inline Map at a time. */
const mapLimit = 40;
const count = [
  'number, a whole one from 0',
  (value: Json): value is number => Number.isInteger(value) && Number(value) >= 0,
] as const;
const iterable = [
  'array or object',
  (value: Json): value is Json[] | Record<string, Json> => typeof value === 'object' && value !== null,
] as const;

export async function beginParallel(run: Run, thread: Thread): Promise<void> {
  const { Arguments, Branches = [] } = stateOf(run, thread);
  const input = Arguments === undefined ? thread.state.input : await evaluate(run, thread, Arguments, 'Arguments');
  const lastEvent = record(run, thread, 'ParallelStateStarted');
  const total = Branches.length;
  thread.state.phase = {
    kind: 'children',
    total,
    started: total,
    finished: 0,
    limit: total,
    results: Branches.map(() => null),
  };
  for (const index of Branches.keys()) startThread(run, { parent: thread.id, index, lastEvent }, input);
}

export async function beginMap(run: Run, thread: Thread): Promise<void> {
  const { Items, MaxConcurrency = 0 } = stateOf(run, thread);
  const items = await evaluateAs(run, thread, Items ?? thread.state.input, 'Items', iterable);
  const limit = (await evaluateAs(run, thread, MaxConcurrency, 'MaxConcurrency', count)) || mapLimit;
  const total = Object.keys(items).length;
  record(run, thread, 'MapStateStarted', { length: total });
  const results = Array.from({ length: total }, () => null);
  thread.state.phase = {
    kind: 'children',
    total,
    started: 0,
    finished: 0,
    limit: Math.min(limit, mapLimit),
    results,
    items,
  };
}

/** Whether an iteration can start, or the whole can end. */
export function canContinue({ total, started, finished, limit }: Children): boolean {
  return finished === total || (started < total && started - finished < limit);
}

/** Starts the next iteration, or leaves the state with the results of all branches in their order. */
export async function continueChildren(run: Run, thread: Thread, phase: Children): Promise<void> {
  const state = stateOf(run, thread);
  if (phase.finished < phase.total) return await startIteration(run, thread, phase);
  const before = thread.lastEvent;
  record(run, thread, `${state.Type}StateSucceeded`);
  thread.lastEvent = before;
  thread.state.phase = { kind: 'ready' };
  const result = phase.results;
  await leave(run, thread, { fields: state, extra: { result }, fallback: result, next: state.Next });
}

async function startIteration(run: Run, thread: Thread, phase: Children): Promise<void> {
  const { ItemSelector } = stateOf(run, thread);
  const index = phase.started++;
  const items = phase.items ?? [];
  const key = isObject(items) ? Object.keys(items)[index] : undefined;
  const value = Object.values(items)[index] as Json;
  const item = { Index: index, Value: value, ...(key !== undefined && { Key: key }) };
  const input =
    ItemSelector === undefined ? value : await evaluate(run, thread, ItemSelector, 'ItemSelector', { item });
  const before = thread.lastEvent;
  const lastEvent = record(run, thread, 'MapIterationStarted', { name: thread.state.name, index });
  thread.lastEvent = before;
  startThread(run, { parent: thread.id, index, item, lastEvent }, input);
}
