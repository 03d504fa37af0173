import { createHash, randomUUID } from 'node:crypto';
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
    async start(input) {
      const key = keyOf(input.group, input.log, input.replica);
      // A running execution does not know that it is forced.
      if (!input.force) {
        const already = [...(await look())].find((name) => name.startsWith(key));
        if (already !== undefined) return { executionId: already };
      }
      const name = `${key}-${randomUUID()}`;
      await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify({ ...input, key }) }));
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
