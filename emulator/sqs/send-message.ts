import { createHash } from 'node:crypto';
import { json } from '../api-gateway/answer.ts';
import { type Service, type ServiceCall, serviceError } from '../service.ts';

const messageIn = ({ body }: ServiceCall) => JSON.parse(body) as { QueueUrl: string; MessageBody: string };

/** SQS's SendMessage: a queue is a file of lines. */
export const sendMessage: Service = {
  takes: ({ operation }) => operation === 'AmazonSQS.SendMessage',

  needs(call) {
    return [{ action: 'sqs:SendMessage', resource: messageIn(call).QueueUrl.split('/').at(-1) ?? '' }];
  },

  async answer({ targets }, call) {
    const { QueueUrl, MessageBody } = messageIn(call);
    const sent = await targets.queues.send(QueueUrl, MessageBody);
    if (!sent) return serviceError(400, 'QueueDoesNotExist', `The template has no queue ${QueueUrl}`);
    const MD5OfMessageBody = createHash('md5').update(MessageBody).digest('hex');
    return json(200, { MessageId: sent.messageId, MD5OfMessageBody });
  },
};
