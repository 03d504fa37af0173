import type { Json, Thread } from '../model.ts';
import { beginMap, beginParallel, canContinue, continueChildren } from './branches.ts';
import { leave, runStep, startThread, terminate } from './flow.ts';
import { append, evaluateAs, HistoryFullError, historyFullCause, type Run, StateError, stateOf } from './run.ts';
import { beginTask, checkDeadlines } from './task.ts';

const whole = (value: Json): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 99_999_999;
const seconds = ['number, a whole one from 0 to 99999999', whole] as const;
const boolean = ['boolean', (value: Json): value is boolean => typeof value === 'boolean'] as const;
const string = ['string', (value: Json): value is string => typeof value === 'string'] as const;
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const timestamp = [
  'string, a timestamp by RFC 3339',
  (value: Json): value is string =>
    typeof value === 'string' && rfc3339.test(value) && !Number.isNaN(Date.parse(value)),
] as const;

const stepsBetweenPauses = 200;

/** Begins the execution at its first state. */
export async function start(run: Run): Promise<void> {
  const { execution } = run;
  append(run, 'ExecutionStarted', 0, {
    input: execution.input,
    inputDetails: { truncated: false },
    roleArn: execution.roleArn,
  });
  startThread(run, { index: 0, lastEvent: 0 }, JSON.parse(execution.input) as Json);
}

/** Ends what is due: waits, backoffs, heartbeats, timeouts, the execution's own time. */
export async function wake(run: Run): Promise<void> {
  const { execution } = run;
  const now = run.world.now();
  if (execution.timeoutAt !== undefined && execution.timeoutAt <= now) {
    return terminate(run, 'TIMED_OUT', new StateError('States.Timeout'));
  }
  for (const { id } of Object.values(execution.threads)) {
    const thread = execution.threads[id];
    if (!thread || execution.status !== 'RUNNING') continue;
    const { phase } = thread.state;
    if (phase.kind === 'wait' && phase.until <= now) await runStep(run, thread, () => leaveUnchanged(run, thread));
    if (phase.kind === 'backoff' && phase.until <= now) thread.state.phase = { kind: 'ready' };
    if (phase.kind === 'task') await runStep(run, thread, () => checkDeadlines(run, thread, phase, now));
  }
}

/** The next instant at which `wake` has something to do. */
export function nextWake({ execution }: Pick<Run, 'execution'>): number {
  const instants = Object.values(execution.threads).map(({ state: { phase } }) => {
    if (phase.kind === 'wait' || phase.kind === 'backoff') return phase.until;
    if (phase.kind !== 'task') return Number.POSITIVE_INFINITY;
    return Math.min(phase.timeoutAt ?? Number.POSITIVE_INFINITY, phase.heartbeatAt ?? Number.POSITIVE_INFINITY);
  });
  return Math.min(execution.timeoutAt ?? Number.POSITIVE_INFINITY, ...instants);
}

/** Applies an input to the execution and moves it on until it waits or has ended. */
export async function applyAndAdvance(run: Run, input: () => Promise<void>): Promise<void> {
  try {
    await input();
    for (let steps = 1; run.execution.status === 'RUNNING'; steps++) {
      const thread = Object.values(run.execution.threads).find(canMove);
      if (!thread) return;
      await runStep(run, thread, () => step(run, thread));
      // Evaluation only yields to microtasks: a machine that loops would keep everything else from running.
      if (steps % stepsBetweenPauses === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    if (!(error instanceof HistoryFullError)) throw error;
    terminate(run, 'FAILED', new StateError('States.Runtime', historyFullCause));
  }
}

function canMove({ state: { phase } }: Thread): boolean {
  return phase.kind === 'ready' || (phase.kind === 'children' && canContinue(phase));
}

async function step(run: Run, thread: Thread): Promise<void> {
  const { phase } = thread.state;
  if (phase.kind === 'children') return await continueChildren(run, thread, phase);
  switch (stateOf(run, thread).Type) {
    case 'Task':
      return await beginTask(run, thread);
    case 'Choice':
      return await choose(run, thread);
    case 'Wait':
      return await beginWait(run, thread);
    case 'Pass':
    case 'Succeed':
      return await leaveUnchanged(run, thread);
    case 'Fail':
      return await failState(run, thread);
    case 'Parallel':
      return await beginParallel(run, thread);
    case 'Map':
      return await beginMap(run, thread);
  }
}

async function leaveUnchanged(run: Run, thread: Thread): Promise<void> {
  const state = stateOf(run, thread);
  await leave(run, thread, { fields: state, fallback: thread.state.input, next: state.Next });
}

async function choose(run: Run, thread: Thread): Promise<void> {
  const state = stateOf(run, thread);
  const fallback = thread.state.input;
  for (const [index, rule] of (state.Choices ?? []).entries()) {
    const at = `Choices[${index}]/`;
    if (!(await evaluateAs(run, thread, rule.Condition, `${at}Condition`, boolean))) continue;
    return await leave(run, thread, { fields: rule, at, fallback, next: rule.Next });
  }
  if (state.Default !== undefined) return await leave(run, thread, { fields: state, fallback, next: state.Default });
  throw new StateError(
    'States.NoChoiceMatched',
    `No choice of the state '${thread.state.name}' matched, and it has no Default`,
  );
}

async function beginWait(run: Run, thread: Thread): Promise<void> {
  const { Seconds, Timestamp } = stateOf(run, thread);
  const until =
    Timestamp === undefined
      ? run.world.now() + (await evaluateAs(run, thread, Seconds ?? 0, 'Seconds', seconds)) * 1000
      : Date.parse(await evaluateAs(run, thread, Timestamp, 'Timestamp', timestamp));
  if (until <= run.world.now()) return await leaveUnchanged(run, thread);
  thread.state.phase = { kind: 'wait', until };
}

async function failState(run: Run, thread: Thread): Promise<void> {
  const { Error: name, Cause } = stateOf(run, thread);
  const error = name === undefined ? undefined : await evaluateAs(run, thread, name, 'Error', string);
  const cause = Cause === undefined ? undefined : await evaluateAs(run, thread, Cause, 'Cause', string);
  throw new StateError(error, cause);
}
