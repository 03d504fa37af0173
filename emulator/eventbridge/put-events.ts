import { json } from '../api-gateway/answer.ts';
import { type Service, type ServiceCall, serviceError } from '../service.ts';
import type { EventEntry } from './events.ts';

const entriesIn = ({ body }: ServiceCall) => (JSON.parse(body) as { Entries?: EventEntry[] }).Entries ?? [];

/** EventBridge's PutEvents: each entry is taken or refused by itself. */
export const putEvents: Service = {
  takes: ({ operation }) => operation === 'AWSEvents.PutEvents',

  needs(call) {
    const buses = new Set(
      entriesIn(call).map(({ EventBusName = 'default' }) => EventBusName.split('event-bus/').at(-1)),
    );
    return [...buses].map((bus) => ({ action: 'events:PutEvents', resource: `event-bus/${bus}` }));
  },

  async answer({ targets }, call) {
    const entries = entriesIn(call);
    if (entries.length === 0 || entries.length > 10) {
      return serviceError(400, 'ValidationException', `PutEvents takes 1 to 10 entries, not ${entries.length}`);
    }
    const results = await Promise.all(entries.map((entry) => targets.buses.putEntry(entry)));
    const FailedEntryCount = results.filter((result) => 'ErrorCode' in result).length;
    return json(200, { FailedEntryCount, Entries: results });
  },
};
