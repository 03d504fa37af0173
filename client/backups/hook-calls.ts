import { AsyncLocalStorage } from 'node:async_hooks';
import type { BackupHooks, SnapshotRequest } from './hooks.ts';

/** Knows which hooks of a worker run, so that close() does not wait for the hook that called it. */
export class HookCalls {
  readonly #running = new AsyncLocalStorage<{ returned: boolean }>();

  /** Whether it is a hook that calls, and has not returned yet. */
  get callsNow(): boolean {
    return this.#running.getStore()?.returned === false;
  }

  /** The same hooks, observed; also while the state that `snapshot` gave is read. */
  observe(hooks: BackupHooks): BackupHooks {
    const { suspend, resume, snapshot } = hooks;
    return {
      ...hooks,
      ...(suspend && { suspend: () => this.#run(suspend) }),
      ...(resume && { resume: () => this.#run(resume) }),
      ...(snapshot && { snapshot: (request) => this.#snapshot(snapshot, request) }),
    };
  }

  async #snapshot(snapshot: NonNullable<BackupHooks['snapshot']>, request: SnapshotRequest) {
    const state = await this.#run(() => snapshot(request));
    if (state === undefined || typeof state === 'string' || state instanceof Uint8Array) return state;
    return this.#read(state);
  }

  async *#read(state: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<unknown> {
    const values = Symbol.asyncIterator in state ? state[Symbol.asyncIterator]() : state[Symbol.iterator]();
    let ended = false;
    try {
      const next = () => this.#run(() => values.next());
      for (let read = await next(); read.done !== true; read = await next()) yield read.value;
      ended = true;
    } catch (error) {
      ended = true;
      throw error;
    } finally {
      if (!ended) await this.#run(() => values.return?.());
    }
  }

  async #run<Value>(act: () => Value | Promise<Value>): Promise<Value> {
    const call = { returned: false };
    try {
      return await this.#running.run(call, async () => act());
    } finally {
      call.returned = true;
    }
  }
}
