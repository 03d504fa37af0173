import type { Clock } from './clock.ts';
import { applyAndAdvance, nextWake, start, wake } from './interpreter/advance.ts';
import { guarded, terminate } from './interpreter/flow.ts';
import { type Run, StateError, type World } from './interpreter/run.ts';
import { childEnded, invoked, resourceIn, submitted, taskFailure } from './interpreter/task.ts';
import type { Definition, Execution, InvokeResult, TaskPhase, Thread } from './model.ts';
import type { Store } from './store.ts';
import type { TaskCalls } from './task-calls.ts';

/**
 * One running execution: its inputs are applied one after the other, and each is written down before anything follows.
 */
interface Slot {
  run: Run;
  queue: Promise<unknown>;
  cancelTimer: () => void;
  inFlight: Set<number>;
}

export interface Engine {
  /** All executions by ARN, the ended ones too, as they were last written down. */
  executions: Map<string, Execution>;
  /** Runs a new execution; answers once it is written down. */
  begin(execution: Execution): Promise<void>;
  /** Runs on what a store has kept. Calls that were under way when the server stopped are made again. */
  resume(executions: Execution[]): Promise<void>;
  /** Applies an input; answers once its consequences are written down. Undefined if the execution has ended. */
  apply(arn: string, input: (run: Run) => Promise<void> | void): Promise<void> | undefined;
  /** Lets what is being applied finish, and starts nothing more. */
  stop(): Promise<void>;
}

export function createEngine(store: Store, clock: Clock, world: World, calls: TaskCalls): Engine {
  const executions = new Map<string, Execution>();
  const running = new Map<string, Slot>();
  const stopping = new AbortController();

  function open(execution: Execution): Slot {
    const definition = JSON.parse(execution.definition) as Definition;
    const run: Run = { execution, definition, events: [], world };
    const slot: Slot = { run, queue: Promise.resolve(), cancelTimer: () => {}, inFlight: new Set() };
    executions.set(execution.arn, execution);
    running.set(execution.arn, slot);
    return slot;
  }

  function enqueue(slot: Slot, input: (run: Run) => Promise<void> | void): Promise<void> {
    const answer = slot.queue.then(async () => {
      if (stopping.signal.aborted) throw new Error('The Step Functions server is stopping');
      // Overdue timers come first: a heartbeat that is late is late, even if its timer has not fired yet.
      try {
        await applyAndAdvance(slot.run, () => wake(slot.run));
        await applyAndAdvance(slot.run, async () => await input(slot.run));
      } finally {
        await commit(slot);
      }
    });
    slot.queue = answer.catch(() => {});
    return answer;
  }

  /** For inputs that nobody waits for. */
  function enqueueAlone(slot: Slot, input: (run: Run) => Promise<void> | void): void {
    if (stopping.signal.aborted) return;
    enqueue(slot, input).catch((error) => {
      if (!stopping.signal.aborted) console.error(`Step Functions: ${slot.run.execution.arn} cannot go on:`, error);
    });
  }

  async function commit(slot: Slot): Promise<void> {
    const { execution, events } = slot.run;
    const ended = execution.status !== 'RUNNING';
    if (ended) execution.definition = '';
    slot.run.events = [];
    await store.save(execution, events);
    executions.set(execution.arn, { ...execution });
    slot.cancelTimer();
    if (ended) return close(slot);
    const at = nextWake(slot.run);
    if (Number.isFinite(at) && !stopping.signal.aborted)
      slot.cancelTimer = clock.setTimer(at, () => enqueueAlone(slot, () => {}));
    for (const thread of Object.values(execution.threads)) perform(slot, thread);
  }

  function close(slot: Slot): void {
    const { execution } = slot.run;
    running.delete(execution.arn);
    for (const waiting of running.values()) {
      for (const thread of Object.values(waiting.run.execution.threads)) {
        if (thread.state.phase.kind === 'task' && thread.state.phase.child === execution.arn) perform(waiting, thread);
      }
    }
  }

  /** Makes the call that a scheduled task asks for, once; or ends a task whose child execution has ended. */
  function perform(slot: Slot, thread: Thread): void {
    const task = thread.state.phase;
    if (task.kind !== 'task') return;
    const child = task.child === undefined ? undefined : executions.get(task.child);
    if (child && child.status !== 'RUNNING') {
      enqueueAlone(slot, (run) => withTask(run, thread.id, task, (at, now) => childEnded(run, at, now, child)));
      return;
    }
    if (task.submitted || slot.inFlight.has(task.attempt) || stopping.signal.aborted) return;
    slot.inFlight.add(task.attempt);
    const { kind } = resourceIn(slot.run, thread);
    const answered = kind === 'invoke' ? callFunction(slot.run, task) : startChild(slot.run, task);
    void answered.then((consequence) => {
      enqueueAlone(slot, async (run) => {
        slot.inFlight.delete(task.attempt);
        await withTask(run, thread.id, task, (at, now) => consequence(run, at, now));
      });
    });
  }

  type Consequence = (run: Run, thread: Thread, task: TaskPhase) => Promise<void>;

  async function callFunction({ execution }: Run, task: TaskPhase): Promise<Consequence> {
    const answer: InvokeResult = await calls.invoke(execution.machineArn, task.arguments, stopping.signal);
    return (run, thread, now) => invoked(run, thread, now, answer);
  }

  async function startChild({ execution }: Run, task: TaskPhase): Promise<Consequence> {
    const answer = await calls.startExecution(execution.arn, task);
    return async (run, thread, now) => {
      if ('error' in answer) throw taskFailure(run, thread, answer.error, answer.cause);
      await submitted(run, thread, now, answer.result);
    };
  }

  return {
    executions,

    async begin(execution) {
      await enqueue(open(execution), start);
    },

    async resume(kept) {
      for (const execution of kept) executions.set(execution.arn, execution);
      const slots = kept.filter(({ status }) => status === 'RUNNING').map(open);
      for (const slot of slots) enqueueAlone(slot, () => {});
      await Promise.all(slots.map(({ queue }) => queue));
    },

    apply(arn, input) {
      const slot = running.get(arn);
      return slot && enqueue(slot, input);
    },

    async stop() {
      stopping.abort();
      for (const slot of running.values()) slot.cancelTimer();
      await Promise.all([...running.values()].map(({ queue }) => queue));
    },
  };
}

/** Runs the step on the thread if it is still at this attempt; too late otherwise, and nothing happens. */
async function withTask(
  run: Run,
  id: number,
  { attempt }: TaskPhase,
  step: (thread: Thread, task: TaskPhase) => Promise<void>,
): Promise<void> {
  const thread = run.execution.threads[id];
  const task = thread?.state.phase;
  if (thread && task?.kind === 'task' && task.attempt === attempt) await guarded(run, thread, () => step(thread, task));
}

/** Ends a running execution from outside. */
export function abortExecution(run: Run, error: string | undefined, cause: string | undefined): void {
  if (run.execution.status === 'RUNNING') terminate(run, 'ABORTED', new StateError(error, cause));
}
