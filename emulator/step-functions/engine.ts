import type { Clock } from './clock.ts';
import { applyAndAdvance, nextWake, start, wake } from './interpreter/advance.ts';
import { runStep, terminate } from './interpreter/flow.ts';
import { type Run, StateError, type World } from './interpreter/run.ts';
import { endChild, endInvocation, endSubmission, resourceIn, taskFailure } from './interpreter/task.ts';
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

type Consequence = (run: Run, thread: Thread, task: TaskPhase) => Promise<void>;

export class Engine {
  /** All executions by ARN, the ended ones too, as they were last written down. */
  readonly executions = new Map<string, Execution>();
  readonly #running = new Map<string, Slot>();
  readonly #stopping = new AbortController();
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #world: World;
  readonly #calls: TaskCalls;

  constructor(store: Store, clock: Clock, world: World, calls: TaskCalls) {
    this.#store = store;
    this.#clock = clock;
    this.#world = world;
    this.#calls = calls;
  }

  /** Runs a new execution; returns once it is written down. */
  async begin(execution: Execution): Promise<void> {
    await this.#enqueue(this.#open(execution), start);
  }

  /** Runs on what a store has kept. Calls that were under way when the server stopped are made again. */
  async resume(kept: Execution[]): Promise<void> {
    for (const execution of kept) this.executions.set(execution.arn, execution);
    const slots = kept.filter(({ status }) => status === 'RUNNING').map((execution) => this.#open(execution));
    for (const slot of slots) this.#enqueueAlone(slot, () => {});
    await Promise.all(slots.map(({ queue }) => queue));
  }

  /** Applies an input; returns once its consequences are written down. Undefined if the execution has ended. */
  apply(arn: string, input: (run: Run) => Promise<void> | void): Promise<void> | undefined {
    const slot = this.#running.get(arn);
    return slot && this.#enqueue(slot, input);
  }

  /** Lets what is being applied finish, and starts nothing more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const slot of this.#running.values()) slot.cancelTimer();
    await Promise.all([...this.#running.values()].map(({ queue }) => queue));
  }

  #open(execution: Execution): Slot {
    const definition = JSON.parse(execution.definition) as Definition;
    const run: Run = { execution, definition, events: [], world: this.#world };
    const slot: Slot = { run, queue: Promise.resolve(), cancelTimer: () => {}, inFlight: new Set() };
    this.executions.set(execution.arn, execution);
    this.#running.set(execution.arn, slot);
    return slot;
  }

  #enqueue(slot: Slot, input: (run: Run) => Promise<void> | void): Promise<void> {
    const answer = slot.queue.then(async () => {
      if (this.#stopping.signal.aborted) throw new Error('The Step Functions server is stopping');
      // Overdue timers come first: a heartbeat that is late is late, even if its timer has not fired yet.
      try {
        await applyAndAdvance(slot.run, () => wake(slot.run));
        await applyAndAdvance(slot.run, async () => await input(slot.run));
      } finally {
        await this.#commit(slot);
      }
    });
    slot.queue = answer.catch(() => {});
    return answer;
  }

  /** For inputs that nobody waits for. */
  #enqueueAlone(slot: Slot, input: (run: Run) => Promise<void> | void): void {
    if (this.#stopping.signal.aborted) return;
    this.#enqueue(slot, input).catch((error) => {
      if (!this.#stopping.signal.aborted)
        console.error(`Step Functions: ${slot.run.execution.arn} cannot continue:`, error);
    });
  }

  async #commit(slot: Slot): Promise<void> {
    const { execution, events } = slot.run;
    const ended = execution.status !== 'RUNNING';
    if (ended) execution.definition = '';
    slot.run.events = [];
    await this.#store.save(execution, events);
    this.executions.set(execution.arn, { ...execution });
    slot.cancelTimer();
    if (ended) return this.#close(slot);
    const at = nextWake(slot.run);
    if (Number.isFinite(at) && !this.#stopping.signal.aborted)
      slot.cancelTimer = this.#clock.setTimer(at, () => this.#enqueueAlone(slot, () => {}));
    for (const thread of Object.values(execution.threads)) this.#perform(slot, thread);
  }

  #close(slot: Slot): void {
    const { execution } = slot.run;
    this.#running.delete(execution.arn);
    for (const waiting of this.#running.values()) {
      for (const thread of Object.values(waiting.run.execution.threads)) {
        if (thread.state.phase.kind === 'task' && thread.state.phase.child === execution.arn)
          this.#perform(waiting, thread);
      }
    }
  }

  /** Makes the call that a scheduled task asks for, once; or ends a task whose child execution has ended. */
  #perform(slot: Slot, thread: Thread): void {
    const task = thread.state.phase;
    if (task.kind !== 'task') return;
    const child = task.child === undefined ? undefined : this.executions.get(task.child);
    if (child && child.status !== 'RUNNING') {
      this.#enqueueAlone(slot, (run) => withTask(run, thread.id, task, (at, now) => endChild(run, at, now, child)));
      return;
    }
    if (task.submitted || slot.inFlight.has(task.attempt) || this.#stopping.signal.aborted) return;
    slot.inFlight.add(task.attempt);
    const { kind } = resourceIn(slot.run, thread);
    const answered = kind === 'invoke' ? this.#callFunction(slot.run, task) : this.#startChild(slot.run, task);
    void answered.then((consequence) => {
      this.#enqueueAlone(slot, async (run) => {
        slot.inFlight.delete(task.attempt);
        await withTask(run, thread.id, task, (at, now) => consequence(run, at, now));
      });
    });
  }

  async #callFunction({ execution }: Run, task: TaskPhase): Promise<Consequence> {
    const answer: InvokeResult = await this.#calls.invoke(execution.machineArn, task.arguments, this.#stopping.signal);
    return (run, thread, now) => endInvocation(run, thread, now, answer);
  }

  async #startChild({ execution }: Run, task: TaskPhase): Promise<Consequence> {
    const answer = await this.#calls.startExecution(execution.arn, task);
    return async (run, thread, now) => {
      if ('error' in answer) throw taskFailure(run, thread, answer.error, answer.cause);
      await endSubmission(run, thread, now, answer.result);
    };
  }
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
  if (thread && task?.kind === 'task' && task.attempt === attempt) await runStep(run, thread, () => step(thread, task));
}

/** Ends a running execution from outside. */
export function abortExecution(run: Run, error: string | undefined, cause: string | undefined): void {
  if (run.execution.status === 'RUNNING') terminate(run, 'ABORTED', new StateError(error, cause));
}
