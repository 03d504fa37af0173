import { expect, test } from 'vitest';
import { occurrencesOf } from '../../../../../emulator/eventbridge/schedules/expression.ts';

const at = (text: string) => Date.parse(`${text}Z`);

/** The next instants of an expression, as text without seconds. */
function next(expression: string, after: string, count = 3, start = after): string[] {
  const occurrences = occurrencesOf(expression, at(start));
  const found: string[] = [];
  for (let instant: number | undefined = at(after); found.length < count; ) {
    instant = occurrences.next(instant);
    if (instant === undefined) break;
    found.push(new Date(instant).toISOString().slice(0, 16));
  }
  return found;
}

test.each([
  ['rate(1 minute)', '2026-01-01T00:00:10', ['2026-01-01T00:01', '2026-01-01T00:02', '2026-01-01T00:03']],
  ['rate(2 hours)', '2026-01-01T00:30:00', ['2026-01-01T02:30', '2026-01-01T04:30', '2026-01-01T06:30']],
  ['rate(1 day)', '2026-01-01T00:30:00', ['2026-01-02T00:30', '2026-01-03T00:30', '2026-01-04T00:30']],
  ['cron(0/15 * * * ? *)', '2026-01-01T00:14:59', ['2026-01-01T00:15', '2026-01-01T00:30', '2026-01-01T00:45']],
  ['cron(0 3 * * ? *)', '2026-02-28T03:00:00', ['2026-03-01T03:00', '2026-03-02T03:00', '2026-03-03T03:00']],
  [
    'cron(30 10,14-15 ? * MON-FRI *)',
    '2026-01-02T14:30:00',
    ['2026-01-02T15:30', '2026-01-05T10:30', '2026-01-05T14:30'],
  ],
  ['cron(0 0 1 1/6 ? *)', '2026-01-01T00:00:00', ['2026-07-01T00:00', '2027-01-01T00:00', '2027-07-01T00:00']],
  ['cron(0 0 31 * ? *)', '2026-01-31T00:00:00', ['2026-03-31T00:00', '2026-05-31T00:00', '2026-07-31T00:00']],
  ['cron(0 0 L * ? *)', '2028-01-31T00:00:00', ['2028-02-29T00:00', '2028-03-31T00:00', '2028-04-30T00:00']],
  ['cron(0 0 1W * ? *)', '2026-07-15T00:00:00', ['2026-08-03T00:00', '2026-09-01T00:00', '2026-10-01T00:00']],
  ['cron(0 0 15W * ? *)', '2026-02-01T00:00:00', ['2026-02-16T00:00', '2026-03-16T00:00', '2026-04-15T00:00']],
  ['cron(0 8 ? * 2#1 *)', '2026-01-01T00:00:00', ['2026-01-05T08:00', '2026-02-02T08:00', '2026-03-02T08:00']],
  ['cron(0 8 ? * FRIL *)', '2026-01-01T00:00:00', ['2026-01-30T08:00', '2026-02-27T08:00', '2026-03-27T08:00']],
  ['cron(0 12 29 FEB ? 2026-2032)', '2026-01-01T00:00:00', ['2028-02-29T12:00', '2032-02-29T12:00']],
  ['cron(0 12 * * ? 2020)', '2026-01-01T00:00:00', []],
  ['at(2026-05-01T12:34:00)', '2026-01-01T00:00:00', ['2026-05-01T12:34']],
])('%s after %s', (expression, after, expected) => {
  expect(next(expression, after)).toEqual(expected);
});

test('a rate counts from its start, also when asked about an instant before it', () => {
  expect(next('rate(5 minutes)', '2026-01-01T00:00:00', 2, '2026-01-01T00:02:00')).toEqual([
    '2026-01-01T00:07',
    '2026-01-01T00:12',
  ]);
});

test.each([
  ['every minute', 'is none of rate(…), cron(…), at(…)'],
  ['rate(0 minutes)', 'write rate(1 minute) or rate(N minutes)'],
  ['rate(5 minute)', 'write rate(1 minute) or rate(N minutes)'],
  ['rate(1 minutes)', 'write rate(1 minute) or rate(N minutes)'],
  ['rate(1 week)', 'write rate(1 minute) or rate(N minutes)'],
  ['cron(* * * * *)', 'cron has six fields'],
  ['cron(0 0 * * * *)', 'exactly one of day-of-month and day-of-week must be ?'],
  ['cron(0 0 ? * ? *)', 'exactly one of day-of-month and day-of-week must be ?'],
  ['cron(60 0 * * ? *)', '60 is not between 0 and 59'],
  ['cron(0 0 ? * 0 *)', '0 is not between 1 and 7'],
  ['cron(0 0 ? * FUN *)', 'FUN is not between 1 and 7'],
  ['cron(0/0 0 * * ? *)', '/0 is no step'],
  ['at(tomorrow)', 'write at(yyyy-mm-ddThh:mm:ss)'],
])('%s is refused', (expression, message) => {
  expect(() => occurrencesOf(expression, 0)).toThrow(message);
});
