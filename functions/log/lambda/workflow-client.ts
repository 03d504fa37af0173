import { createHash } from 'node:crypto';
import {
  type ExecutionListItem,
  ListExecutionsCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { RecoveryWorkflow } from './workflow.ts';

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

const looks = 2;

/**
 * Binds the port to a state machine. Two executions for one replica do no harm, so a look at what runs is enough, and
 * `looksLastMs` lets one serve all that a sweep starts: an account may look five times a second.
 */
export function recoveryWorkflowClient(
  client: SFNClient,
  stateMachineArn: string,
  { looksLastMs = 0, now = Date.now }: { looksLastMs?: number; now?: () => number } = {},
): RecoveryWorkflow {
  let seen: { at: number; names: Promise<Set<string>> } | undefined;

  async function names(): Promise<Set<string>> {
    const found = new Set<string>();
    for await (const { name = '' } of running('')) found.add(name);
    return found;
  }

  /** Running executions, cached for as long as a look lasts. */
  function look(): Promise<Set<string>> {
    if (seen && now() - seen.at < looksLastMs) return seen.names;
    const fresh = { at: now(), names: names() };
    seen = fresh;
    fresh.names.catch(() => {
      if (seen === fresh) seen = undefined;
    });
    return fresh.names;
  }

  async function* running(key: string): AsyncGenerator<ExecutionListItem> {
    let nextToken: string | undefined;
    do {
      const page = await client.send(
        new ListExecutionsCommand({
          stateMachineArn,
          statusFilter: 'RUNNING',
          maxResults: 1_000,
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      );
      yield* page.executions?.filter(({ name }) => name?.startsWith(key)) ?? [];
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
  }

  return {
    async start({ life = '', asked, ...input }) {
      const key = keyOf(input.group, input.log, input.replica);
      // A running execution does not know that it is forced.
      if (!input.force) {
        const already = [...(await look())].find((name) => name.startsWith(key));
        if (already !== undefined) return { executionId: already };
      }
      const name = nameOf(key, life, asked ? now() : Math.floor(now() / 60_000), input.force);
      try {
        await client.send(
          new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify({ ...input, key }) }),
        );
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'ExecutionAlreadyExists') throw error;
      }
      return { executionId: name };
    },

    async stop({ group, log, replica }) {
      const stopped = new Set<string>();
      // One that restarts itself meanwhile is there at the second look.
      for (let look = 0; look < looks; look += 1) {
        for await (const { name = '', executionArn } of running(keyOf(group, log, replica))) {
          if (stopped.has(name)) continue;
          await client.send(new StopExecutionCommand({ executionArn, error: 'Cancelled' }));
          stopped.add(name);
        }
      }
      return [...stopped];
    },
  };
}
