import { randomUUID } from 'node:crypto';
import type * as z from 'zod/mini';
import { answerCommand, type command, goodbye, pollCommands, registerWorker } from '../../api/operations/workers.ts';
import type { TenureClient } from '../tenure-client.ts';
import { hasCode } from '../tenure-error.ts';

export type Command = z.output<typeof command>;
export type Answer = { accepted: true; position?: Record<string, number> } | { accepted: false; reason: string };

/** The service waits so long for an answer, whatever the client's own patience, ms. */
const answerWithinMs = 30_000;

/** The calls of one worker's process: all carry its name. */
export class WorkerCalls {
  readonly #client: TenureClient;
  readonly #params: { readonly group: string; readonly worker: string };
  /** A restart under the same name is another instance. */
  readonly #instanceId = randomUUID();

  constructor(client: TenureClient, group: string, worker: string) {
    this.#client = client;
    this.#params = { group, worker };
  }

  /** Returns when to ask for commands, ms. */
  async register(host: string, folders: readonly string[], signal: AbortSignal): Promise<number> {
    const body = { host, instanceId: this.#instanceId, folders: [...folders] };
    const { pollAfterMs } = await this.#client.call(registerWorker, { params: this.#params, body, signal });
    return pollAfterMs;
  }

  poll(waitMs: number, signal: AbortSignal) {
    const timeoutMs = waitMs + 10_000;
    return this.#client.call(pollCommands, {
      params: this.#params,
      query: { waitMs, instanceId: this.#instanceId },
      signal,
      timeoutMs,
      deadlineMs: timeoutMs * 2,
    });
  }

  /** False when nobody waits for the answer any more. */
  async answer({ commandId }: Command, answer: Answer): Promise<boolean> {
    try {
      const params = { ...this.#params, command: commandId };
      await this.#client.call(answerCommand, { params, body: answer, deadlineMs: answerWithinMs });
      return true;
    } catch (error) {
      if (hasCode(error, 'not_found')) return false;
      throw error;
    }
  }

  async leave(): Promise<void> {
    await this.#client.call(goodbye, { params: this.#params, query: { instanceId: this.#instanceId } });
  }
}
