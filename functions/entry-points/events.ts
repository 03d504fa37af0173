import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { sqsDeadLetterQueue } from '../events/dead-letter-queue.ts';
import { eventBridgeBus } from '../events/event-bus.ts';
import { publishRecords } from '../events/publishing.ts';
import { eventSettings } from '../events/settings.ts';
import { countingRetries, patience } from '../platform/aws.ts';
import { logged, logger } from '../platform/logging.ts';

const { TENURE_EVENT_BUS, TENURE_FAILURES_QUEUE } = eventSettings();
const publishing = {
  bus: eventBridgeBus(countingRetries(new EventBridgeClient(patience)), TENURE_EVENT_BUS),
  deadLetters: sqsDeadLetterQueue(countingRetries(new SQSClient(patience)), TENURE_FAILURES_QUEUE),
};

/** Invoked with the records of the main table's stream that pass the mapping's filter. */
export const handler = logged(async ({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
  const failed = await publishRecords(publishing, Records);
  logger.info('published', { records: Records.length, again: failed.length });
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
});
