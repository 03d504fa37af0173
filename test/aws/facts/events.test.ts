import { expect, test } from 'vitest';
import { eventLog } from '../../../cli/events/event-log.ts';
import { led, newGroup, onAws, stage } from '../stage.ts';

test.skipIf(!onAws)(
  'not rehearsed, MiniStack writes no events into a log: stream, bus and log carry a term',
  async () => {
    const group = newGroup();
    const from = Date.now() - 60_000;
    const log = await eventLog(stage.outputs['EventLogName'] ?? '', stage.region);
    const fence = await led(group);
    const found = [];
    for await (const event of log.events(from, true, AbortSignal.timeout(240_000))) {
      if (event.detail['group'] !== group) continue;
      found.push(event);
      break;
    }
    expect(found).toMatchObject([
      { 'detail-type': 'Leadership Confirmed', detail: { group, fencingVersion: fence.fencingVersion } },
    ]);
  },
);
