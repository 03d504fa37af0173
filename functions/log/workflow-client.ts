import { createHash, randomUUID } from 'node:crypto';
import { ListExecutionsCommand, type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { RecoveryWorkflow } from './workflow.ts';

/** Names of executions take 80 characters, those of groups and logs 256. */
function keyOf(...names: readonly string[]): string {
  return createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 32);
}

/** Binds the port to a state machine. Two executions for one replica do no harm, so a look at what runs is enough. */
export function recoveryWorkflowClient(client: SFNClient, stateMachineArn: string): RecoveryWorkflow {
  const running = async (key: string): Promise<string | undefined> => {
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
      const found = page.executions?.find(({ name }) => name?.startsWith(key));
      if (found?.name) return found.name;
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return undefined;
  };

  return {
    async start(input) {
      const key = keyOf(input.group, input.log, input.replica);
      // What runs already does not know that it is forced.
      const already = input.force ? undefined : await running(key);
      if (already !== undefined) return { executionId: already };
      const name = `${key}-${randomUUID()}`;
      await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify({ ...input, key }) }));
      return { executionId: name };
    },
  };
}
