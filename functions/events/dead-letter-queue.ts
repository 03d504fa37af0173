import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { AsideQueue } from './publishing.ts';

/** Binds the port to an SQS queue. */
export function sqsAsideQueue(client: SQSClient, QueueUrl: string): AsideQueue {
  return {
    async put(change) {
      const MessageBody = JSON.stringify({ message: 'A change that cannot become an event', ...change });
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    },
  };
}
