import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { DeadLetterQueue } from './publishing.ts';

/** Binds the port to an SQS queue. */
export function sqsDeadLetterQueue(client: SQSClient, QueueUrl: string): DeadLetterQueue {
  return {
    async put(change) {
      const MessageBody = JSON.stringify({ message: 'A change that cannot become an event', ...change });
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    },
  };
}
