import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';

/** Starts the steps of a restore by its name, unless they run; `ended` when they ran once and do not any more. */
export type LaunchRestore = (group: string, restoreId: string) => Promise<'running' | 'ended'>;

export function restoreClient(client: SFNClient, stateMachineArn: string): LaunchRestore {
  return async (group, restoreId) => {
    const input = JSON.stringify({ group, restoreId });
    try {
      await client.send(new StartExecutionCommand({ stateMachineArn, name: restoreId, input }));
      return 'running';
    } catch (error) {
      if (error instanceof Error && error.name === 'ExecutionAlreadyExists') return 'ended';
      throw error;
    }
  };
}
