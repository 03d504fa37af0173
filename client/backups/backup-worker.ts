import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { directS3 } from '../jobs/s3.ts';
import { hasCode } from '../tenure-error.ts';
import { sleep } from '../time.ts';
import {
  type AttemptContext,
  type AttemptEnd,
  AttemptEndedError,
  type BackupCommand,
  newPulse,
  type Pulse,
  takeBackup,
} from './attempt.ts';
import { HookCalls } from './hook-calls.ts';
import type { BackupHooks, Positions, WorkerEvent } from './hooks.ts';
import { LocalBackups } from './local-backups.ts';
import { type Answer, type Command, WorkerCalls } from './worker-calls.ts';
import { type BackupWorkerOptions, defaultWorkerId } from './worker-options.ts';

type Suspend = Extract<Command, { type: 'suspend' }>;

interface Suspension {
  readonly backupId: string;
  attempt: number;
  readonly position: Positions;
  /** Cancels its own end. */
  cancelTimer(): void;
}

interface Work {
  readonly backupId: string;
  readonly attempt: number;
  readonly ending: AbortController;
  readonly pulse: Pulse;
  readonly done: Promise<void>;
}

const holdMs = 20_000;
const pauseAfterErrorMs = 1_000;

/**
 * A standby that takes backups of its group, one at a time. It registers and asks for commands until it is closed. A
 * suspended worker resumes by itself when no backup comes within the service's suspend timeout. Errors go to the hook
 * `onError`; no method throws.
 *
 * @example
 * ```ts
 * import { BackupWorker, TenureClient } from 'tenure';
 *
 * const worker = new BackupWorker({
 *   client: new TenureClient(),
 *   group: 'orders',
 *   hooks: { snapshot: ({ cut }) => [{ appliedUpTo: cut['events'] }] },
 * });
 * worker.start();
 * process.once('SIGTERM', () => void worker.close());
 * ```
 */
export class BackupWorker {
  /** The name under which it registers. */
  readonly workerId: string;
  /** Resolves when another process has registered under this worker's name: this one has stopped then. */
  readonly replaced: Promise<'replaced'>;
  #resolveReplaced: () => void = () => {};
  readonly #options: BackupWorkerOptions & { readonly group: string };
  readonly #host: string;
  readonly #hooks: BackupHooks;
  readonly #hookCalls = new HookCalls();
  readonly #calls: WorkerCalls;
  readonly #closing = new AbortController();
  /** Where it may keep backups on its own disk; the first unless a backup names one. */
  readonly #folders: readonly string[];
  readonly #local: readonly LocalBackups[];
  #running: Promise<void> | undefined;
  #suspension: Suspension | undefined;
  #work: Work | undefined;
  /** The application is being let continue. */
  #resuming: Promise<void> = Promise.resolve();
  #left: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: BackupWorkerOptions) {
    const group = typeof options.group === 'string' ? options.group : options.group.group;
    this.#options = { ...options, group };
    this.#host = options.host ?? hostname();
    this.workerId = options.workerId ?? defaultWorkerId(this.#host);
    this.#hooks = this.#hookCalls.observe(options.hooks ?? {});
    this.#calls = new WorkerCalls(options.client, group, this.workerId);
    this.#folders = [options.localDir ?? []].flat().map((folder) => resolve(folder));
    this.#local = this.#folders.map((folder) => this.#localBackups(folder));
    this.replaced = new Promise((resolve) => {
      this.#resolveReplaced = () => resolve('replaced');
    });
  }

  /** Registers and begins to work; a second call does nothing, nor does one after close(). */
  start(): void {
    if (this.#closing.signal.aborted) return;
    if (!this.#running) for (const local of this.#local) local.start();
    this.#running ??= this.#run();
  }

  #localBackups(folder: string): LocalBackups {
    const { client, group } = this.#options;
    const isBusyWith = (backupId: string) => this.#work?.backupId === backupId;
    return new LocalBackups(
      { client, group, folder, isBusyWith, signal: this.#closing.signal },
      {
        onRemoved: (backupId) => this.#tell({ type: 'removed', backupId }),
        onError: (error) => this.#error(error),
      },
    );
  }

  /**
   * Says goodbye, so that a backup in progress goes to another worker at once; then lets the application continue. A
   * hook may call it: that call resolves after the goodbye, and the rest follows when the hook has returned.
   */
  close(): Promise<void> {
    this.#stop('closed');
    // At once: a hook may still take its time.
    this.#left ??= this.#leave();
    this.#closed ??= this.#close(this.#left);
    return this.#hookCalls.callsNow ? this.#left : this.#closed;
  }

  async #leave(): Promise<void> {
    if (this.#running !== undefined) await this.#calls.leave().catch((error: unknown) => this.#error(error));
  }

  async #close(left: Promise<void>): Promise<void> {
    await left;
    if (this.#running === undefined) return;
    await this.#running;
    await this.#work?.done;
    await this.#resume();
    this.#tell({ type: 'left' });
  }

  #stop(why: 'closed' | 'replaced'): void {
    this.#closing.abort(new AttemptEndedError(why));
    this.#work?.ending.abort(new AttemptEndedError(why));
  }

  /** The service has given the attempt of this instance up already. */
  async #leaveToAnother(error: unknown): Promise<void> {
    this.#stop('replaced');
    this.#error(error);
    await this.#work?.done;
    await this.#resume();
    this.#tell({ type: 'replaced' });
    this.#resolveReplaced();
  }

  async #run(): Promise<void> {
    const { client } = this.#options;
    const { signal } = this.#closing;
    let registered = false;
    let pauseMs = 0;
    while (!signal.aborted) {
      try {
        if (!registered) {
          pauseMs = await this.#calls.register(this.#host, this.#folders, signal);
          this.#tell({ type: 'registered' });
          registered = true;
        } else {
          const { commands, pollAfterMs } = await this.#calls.poll(pauseMs === 0 ? holdMs : 0, signal);
          for (const one of commands) await this.#handle(one);
          pauseMs = pollAfterMs;
        }
        await sleep(client.time, pauseMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (hasCode(error, 'worker_replaced')) return this.#leaveToAnother(error);
        if (hasCode(error, 'not_found')) registered = false;
        else this.#error(error);
        await sleep(client.time, pauseAfterErrorMs, signal);
      }
    }
  }

  async #handle(one: Command): Promise<void> {
    const { backupId, attempt } = one;
    if (one.type === 'cancel') {
      // A running attempt hears the verdict itself.
      await this.#cancel(backupId, attempt);
      await this.#calls.answer(one, { accepted: true });
      return;
    }
    if (one.type === 'discard') {
      await this.#calls.answer(one, { accepted: true });
      for (const local of this.#local) void local.tidy();
      return;
    }
    const answer = one.type === 'suspend' ? await this.#suspend(one) : this.#judge(one);
    if (this.#closing.signal.aborted) return;
    // Its own end must not come between the acceptance and the begin.
    if (one.type === 'backup' && answer.accepted) this.#suspension?.cancelTimer();
    const received = await this.#calls.answer(one, answer).catch((error: unknown) => {
      this.#error(error);
      return false;
    });
    if (this.#closing.signal.aborted) return;
    if (!answer.accepted) this.#tell({ type: 'refused', backupId, attempt, reason: answer.reason });
    else if (!received && !this.#work) await this.#resume();
    else if (!received) return;
    else if (one.type === 'backup') this.#begin(one);
    else this.#tell({ type: 'suspended', backupId, attempt });
  }

  async #suspend({ backupId, attempt, suspendTimeoutMs }: Suspend): Promise<Answer> {
    if (this.#work) return this.#busy(this.#work);
    await this.#resuming;
    const held = this.#suspension;
    if (held && held.backupId !== backupId) return { accepted: false, reason: `suspended for backup ${held.backupId}` };
    try {
      const position = held?.position ?? (await this.#hooks.suspend?.()) ?? {};
      held?.cancelTimer();
      const cancelTimer = this.#options.client.time.setTimer(suspendTimeoutMs, () => void this.#resume());
      this.#suspension = { backupId, attempt, position, cancelTimer };
      return { accepted: true, position: { ...position } };
    } catch (error) {
      this.#error(error);
      // The hook may have stopped half-way.
      await this.#goOn();
      return { accepted: false, reason: reasonOf(error) };
    }
  }

  #judge({ backupId, attempt, target }: BackupCommand): Answer {
    if (this.#work) {
      const same = this.#work.backupId === backupId && this.#work.attempt === attempt;
      return same ? { accepted: true } : this.#busy(this.#work);
    }
    const held = this.#suspension;
    if (held?.backupId !== backupId || held.attempt !== attempt)
      return { accepted: false, reason: 'no longer suspended for it' };
    if (target.type === 'file' && this.#folders.length === 0)
      return { accepted: false, reason: 'has no folder for backups of its own' };
    const { folder } = { folder: undefined, ...target };
    if (folder !== undefined && !this.#folders.includes(folder))
      return { accepted: false, reason: `keeps no backups in ${folder}` };
    return { accepted: true };
  }

  #busy({ backupId, attempt }: Work): Answer {
    return { accepted: false, reason: `busy with attempt ${attempt} of backup ${backupId}` };
  }

  #begin(one: BackupCommand): void {
    if (this.#work) return;
    const { backupId, attempt, target } = one;
    const { client, group, s3 = directS3 } = this.#options;
    const localDir = target.type === 'file' ? (target.folder ?? this.#folders[0]) : undefined;
    this.#suspension?.cancelTimer();
    this.#tell({ type: 'accepted', backupId, attempt });
    const ending = new AbortController();
    const pulse = newPulse(client.time);
    const onError = (error: unknown) => this.#error(error);
    const context = {
      client,
      group,
      host: this.#host,
      localDir,
      snapshot: this.#hooks.snapshot,
      onError,
      s3,
      ending,
      pulse,
    };
    // After this.#work is there: a hook may stop it.
    const done = Promise.resolve().then(() => this.#take(context, one).catch(onError));
    this.#work = { backupId, attempt, ending, pulse, done };
  }

  async #take(context: AttemptContext, one: BackupCommand): Promise<void> {
    const { backupId, attempt } = one;
    let end: AttemptEnd;
    try {
      end = await takeBackup(context, one);
    } finally {
      this.#work = undefined;
      await this.#resume();
    }
    if ('uri' in end) this.#tell({ type: 'finished', backupId, attempt, uri: end.uri });
    else this.#tell({ type: 'ended', backupId, attempt, why: end.why });
  }

  async #cancel(backupId: string, attempt: number): Promise<void> {
    const work = this.#work;
    if (work?.backupId === backupId && work.attempt <= attempt) {
      work.pulse.hurry();
    } else if (this.#suspension?.backupId === backupId && this.#suspension.attempt <= attempt) {
      await this.#resume();
    }
  }

  /** Resolves when the application has continued, no matter who asks for it. */
  #resume(): Promise<void> {
    const held = this.#suspension;
    if (held) {
      this.#suspension = undefined;
      held.cancelTimer();
      this.#resuming = this.#goOn().then(() => this.#tell({ type: 'resumed' }));
    }
    return this.#resuming;
  }

  async #goOn(): Promise<void> {
    try {
      await this.#hooks.resume?.();
    } catch (error) {
      this.#error(error);
    }
  }

  #tell(event: WorkerEvent): void {
    try {
      this.#hooks.onEvent?.(event);
    } catch (error) {
      this.#error(error);
    }
  }

  #error(error: unknown): void {
    const { onError = warn } = this.#hooks;
    try {
      onError(error);
    } catch (failure) {
      warn(failure);
    }
  }
}

const warn = (error: unknown): void => process.emitWarning(error instanceof Error ? error : String(error));

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 512);
