import { createHash } from 'node:crypto';
import {
  type ExecutionListItem,
  ListExecutionsCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { RecoveryInput, RecoveryStart, RecoveryWorkflow } from '../../../log/recovery-workflow.ts';

/** Names of executions take 80 characters, those of groups and logs 256. */
function keyOf(...names: readonly string[]): string {
  return createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 32);
}

/**
 * Names an execution after the replica and its life: what starts it twice within a minute, a repeated request or a
 * sweep that met one, starts it once.
 */
function nameOf(key: string, life: string, at: number, force: boolean): string {
  return [key, life.slice(0, 36), at.toString(36), force ? 'f' : ''].filter((part) => part !== '').join('-');
}

/** An execution that restarts itself during the first look is there at the second. */
const looks = 2;

/**
 * Binds the port to a state machine. Two executions for one replica do no harm, so a look at what runs is enough, and
 * `looksLastMs` lets one serve all that a sweep starts: an account may look five times a second.
 */
export class StepFunctionsRecovery implements RecoveryWorkflow {
  readonly #client: SFNClient;
  readonly #stateMachineArn: string;
  readonly #looksLastMs: number;
  readonly #now: () => number;
  #seen: { at: number; names: Promise<Set<string>> } | undefined;

  constructor(
    client: SFNClient,
    stateMachineArn: string,
    { looksLastMs = 0, now = Date.now }: { looksLastMs?: number; now?: () => number } = {},
  ) {
    this.#client = client;
    this.#stateMachineArn = stateMachineArn;
    this.#looksLastMs = looksLastMs;
    this.#now = now;
  }

  async start({ life = '', asked, ...input }: RecoveryStart): Promise<{ executionId: string }> {
    const key = keyOf(input.group, input.log, input.replica);
    // A running execution does not know that it is forced.
    if (!input.force) {
      const already = [...(await this.#look())].find((name) => name.startsWith(key));
      if (already !== undefined) return { executionId: already };
    }
    const at = asked ? this.#now() : Math.floor(this.#now() / 60_000);
    const name = nameOf(key, life, at, input.force);
    try {
      await this.#client.send(
        new StartExecutionCommand({
          stateMachineArn: this.#stateMachineArn,
          name,
          input: JSON.stringify({ ...input, key }),
        }),
      );
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ExecutionAlreadyExists') throw error;
    }
    return { executionId: name };
  }

  async stop({ group, log, replica }: Pick<RecoveryInput, 'group' | 'log' | 'replica'>): Promise<string[]> {
    const stopped = new Set<string>();
    for (let look = 0; look < looks; look += 1) {
      for await (const { name = '', executionArn } of this.#listRunning(keyOf(group, log, replica))) {
        if (stopped.has(name)) continue;
        await this.#client.send(new StopExecutionCommand({ executionArn, error: 'Cancelled' }));
        stopped.add(name);
      }
    }
    return [...stopped];
  }

  /** Running executions, cached for as long as a look lasts. */
  #look(): Promise<Set<string>> {
    const seen = this.#seen;
    if (seen && this.#now() - seen.at < this.#looksLastMs) return seen.names;
    const fresh = { at: this.#now(), names: this.#names() };
    this.#seen = fresh;
    fresh.names.catch(() => {
      if (this.#seen === fresh) this.#seen = undefined;
    });
    return fresh.names;
  }

  async #names(): Promise<Set<string>> {
    const found = new Set<string>();
    for await (const { name = '' } of this.#listRunning('')) found.add(name);
    return found;
  }

  async *#listRunning(key: string): AsyncGenerator<ExecutionListItem> {
    let nextToken: string | undefined;
    do {
      const page = await this.#client.send(
        new ListExecutionsCommand({
          stateMachineArn: this.#stateMachineArn,
          statusFilter: 'RUNNING',
          maxResults: 1_000,
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      );
      yield* page.executions?.filter(({ name }) => name?.startsWith(key)) ?? [];
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
  }
}
