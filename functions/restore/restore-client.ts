import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { RestoreRecord } from './restore-store.ts';

export type Launchable = Pick<RestoreRecord, 'group' | 'restoreId' | 'execution'>;

/** Starts the steps of a restore by its name, unless they run; `ended` when they ran once and do not any more. */
export type LaunchRestore = (record: Launchable) => Promise<'running' | 'ended'>;

export function restoreClient(client: SFNClient, stateMachineArn: string): LaunchRestore {
  return async ({ group, restoreId, execution }) => {
    const name = execution === 0 ? restoreId : `${restoreId}-${execution}`;
    const input = JSON.stringify({ group, restoreId });
    try {
      await client.send(new StartExecutionCommand({ stateMachineArn, name, input }));
      return 'running';
    } catch (error) {
      if (error instanceof Error && error.name === 'ExecutionAlreadyExists') return 'ended';
      throw error;
    }
  };
}
