import { expect, test } from 'vitest';
import { type Logger, TenureClient } from '../../../client/tenure-client.ts';
import { ManualTime } from '../../support/manual-time.ts';

test('a logger receives a line for each try, failures of the service as warnings', async () => {
  const time = new ManualTime();
  const lines: [string, object, string][] = [];
  const note = (level: string) => (members: object, message: string) => void lines.push([level, members, message]);
  const logger: Logger = { debug: note('debug'), warn: note('warn') };
  const replies = [
    Response.json({ message: 'Service Unavailable' }, { status: 503 }),
    Response.json({ leader: null, fencingVersion: 0, pending: false, availableInMs: 0 }),
    Response.json({ message: 'Forbidden' }, { status: 403 }),
  ];
  const fetch = async () => replies.shift() as Response;
  const client = new TenureClient({ url: 'http://host', fetch, time, random: () => 0, logger });
  const observed = client.observe('orders');
  await time.advance(1_000);
  await observed;
  await expect(client.observe('orders')).rejects.toThrow();
  const request = 'GET /v1/groups/{group}/leadership';
  expect(lines).toEqual([
    ['warn', { request, elapsedMs: 0, status: 503, code: 'unavailable' }, `tenure: ${request}`],
    ['debug', { request, elapsedMs: 0 }, `tenure: ${request}`],
    ['debug', { request, elapsedMs: 0, status: 403, code: 'forbidden' }, `tenure: ${request}`],
  ]);
});
