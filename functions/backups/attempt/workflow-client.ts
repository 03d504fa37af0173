import {
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { Workflow } from './workflow.ts';

const gone = new Set(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken']);
const longestCause = 2_000;

/** Binds the workflow port to a state machine; an execution has the name of its backup. */
export function workflowClient(client: SFNClient, stateMachineArn: string): Workflow {
  const orGone = async (tell: () => Promise<unknown>): Promise<boolean> => {
    try {
      await tell();
      return true;
    } catch (error) {
      if (error instanceof Error && gone.has(error.name)) return false;
      throw error;
    }
  };

  return {
    async start({ group, backupId, answerSeconds, abandonSeconds, runSeconds, cutPauseSeconds }) {
      // A name starts once only with the very same text, and DynamoDB's maps come back in any order.
      const seconds = { answerSeconds, abandonSeconds, runSeconds, cutPauseSeconds };
      const input = JSON.stringify({ group, backupId, ...seconds });
      try {
        await client.send(new StartExecutionCommand({ stateMachineArn, name: backupId, input }));
        return 'running';
      } catch (error) {
        if (error instanceof Error && error.name === 'ExecutionAlreadyExists') return 'ended';
        throw error;
      }
    },

    succeed: (taskToken, output) =>
      orGone(() => client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }))),

    fail: (taskToken, error, cause) =>
      orGone(() => client.send(new SendTaskFailureCommand({ taskToken, error, cause: cause.slice(0, longestCause) }))),

    heartbeat: (taskToken) => orGone(() => client.send(new SendTaskHeartbeatCommand({ taskToken }))),
  };
}
