import { expect, test } from 'vitest';
import { atRestTable, costAtRest, totalOf } from '../../../infra/cost.ts';
import { readPage } from '../../support/docs/markdown.ts';
import { templateOf } from './synthesised.ts';

const rowsOf = (context: Record<string, string> = {}) => costAtRest(templateOf(context).toJSON()['Resources']);

test('a stage at rest costs less than $1.50 a month, and docs/cost.md says how much', () => {
  const rows = rowsOf();
  expect(totalOf(rows)).toBeLessThan(1.5);
  expect(rows.length).toBeGreaterThan(5);
  expect(readPage('docs/cost.md')).toContain(atRestTable(rows));
});

test('monitoring=full costs what the page says', () => {
  const more = totalOf(rowsOf({ monitoring: 'full' })) - totalOf(rowsOf());
  expect(readPage('docs/cost.md')).toContain(`\`monitoring=full\` adds $${more.toFixed(2)} a month`);
});

test('an alarm on metric math is paid for by its metrics, and a resource without a price is no forgotten one', () => {
  const alarm = {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: { Metrics: [{ MetricStat: {} }, { MetricStat: {} }, {}] },
  };
  expect(costAtRest({ alarm })[0]).toMatchObject({ what: 'alarms', count: '2 metrics', dollars: 0.2 });
  expect(() => costAtRest({ nat: { Type: 'AWS::EC2::NatGateway' } })).toThrow('No price for AWS::EC2::NatGateway');
});
