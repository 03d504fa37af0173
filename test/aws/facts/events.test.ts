import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { type BusEvent, readEvent } from '../../../cli/events/bus-event.ts';
import { eventLog } from '../../../cli/events/event-log.ts';
import { led, newGroup, onAws, stage } from '../stage.ts';

type Reader = (signal: AbortSignal) => AsyncIterable<BusEvent>;

/** As `tenure events tail` reads them. */
async function fromLog(): Promise<Reader> {
  const from = Date.now() - 60_000;
  const log = await eventLog(stage.outputs['EventLogName'] ?? '', stage.region);
  return (signal) => log.events(from, true, signal);
}

/** MiniStack writes no events into a log: there a queue receives them. */
async function fromQueue(): Promise<Reader> {
  const [bus, queues] = [new EventBridgeClient({ region: stage.region }), new SQSClient({ region: stage.region })];
  const name = newGroup();
  const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName: name }));
  const asked = { QueueUrl, AttributeNames: ['QueueArn' as const] };
  const Arn = (await queues.send(new GetQueueAttributesCommand(asked))).Attributes?.['QueueArn'];
  const rule = { EventBusName: stage.outputs['EventBusName'] };
  await bus.send(new PutRuleCommand({ ...rule, Name: name, EventPattern: '{"source":["tenure"]}' }));
  await bus.send(new PutTargetsCommand({ ...rule, Rule: name, Targets: [{ Id: 'queue', Arn }] }));
  return async function* (signal) {
    while (!signal.aborted) {
      const { Messages = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }));
      for (const { Body = '' } of Messages) {
        const event = readEvent(Body);
        if (event) yield event;
      }
    }
  };
}

test('stream, bus and log carry the confirmation of a term', async () => {
  const group = newGroup();
  const read = await (onAws ? fromLog() : fromQueue());
  const { fencingVersion } = await led(group);
  let found: BusEvent | undefined;
  for await (const event of read(AbortSignal.timeout(240_000))) {
    if (event.detail.group !== group) continue;
    found = event;
    break;
  }
  expect(found).toMatchObject({ 'detail-type': 'Leadership Confirmed', detail: { group, fencingVersion } });
});
