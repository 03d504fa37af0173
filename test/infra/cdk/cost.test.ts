import { describe, expect, test } from 'vitest';
import { costAtRest, totalOf } from '../../../infra/cost.ts';
import { tablesOfUse } from '../../../infra/cost-of-use.ts';
import { computed } from '../../../infra/cost-page.ts';
import { readPage } from '../../support/docs/markdown.ts';
import { templateOf } from './synthesised.ts';

const resourcesOf = (context: Record<string, string> = {}) => templateOf(context).toJSON()['Resources'];

test('a stage at rest costs less than $1.50 a month', () => {
  const rows = costAtRest(resourcesOf());
  expect(totalOf(rows)).toBeLessThan(1.5);
  expect(rows.length).toBeGreaterThan(5);
});

describe('docs/cost.md', () => {
  const page = readPage('docs/cost.md');
  const full = { monitoring: 'full' };

  test('says what npm run cost computes', () => {
    expect(page).toBe(computed(page, resourcesOf(), resourcesOf(full)));
  });

  test('a price that it says otherwise is seen', () => {
    const wrong = page.replace('| **$1.89** |', '| **$1.88** |');
    expect(wrong).not.toBe(page);
    expect(computed(wrong, resourcesOf(), resourcesOf(full))).toBe(page);
    const missing = page.replace('| 1 GB | storage |', '| 2 GB | storage |');
    expect(() => computed(missing, resourcesOf(), resourcesOf(full))).toThrow('no table that begins with | 1 GB |');
  });

  test('a function with more memory makes its requests dearer', () => {
    const resources = structuredClone(resourcesOf());
    const [lease] = Object.keys(resources).filter((id) => /^TenureServicelease[0-9A-F]{8}$/.test(id));
    resources[lease ?? ''].Properties.MemorySize *= 2;
    const renewal = (of: typeof resources) =>
      [...tablesOfUse(of).values()]
        .join('\n')
        .split('\n')
        .find((line) => line.startsWith('| renew (heartbeat)'));
    expect(renewal(resourcesOf())).toContain('**$1.89**');
    expect(renewal(resources)).toContain('**$1.96**');
    delete resources[lease ?? ''];
    expect(() => tablesOfUse(resources)).toThrow('The template has no function lease');
  });
});

test('an alarm on metric math is paid for by its metrics, and a resource without a price is no forgotten one', () => {
  const alarm = {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: { Metrics: [{ MetricStat: {} }, { MetricStat: {} }, {}] },
  };
  const template = resourcesOf();
  const before = costAtRest(template).find(({ what }) => what === 'alarms')?.dollars ?? 0;
  const after = costAtRest({ ...template, alarm }).find(({ what }) => what === 'alarms')?.dollars;
  expect(after).toBeCloseTo(before + 0.2);
  expect(() => costAtRest({ nat: { Type: 'AWS::EC2::NatGateway' } })).toThrow('No price for AWS::EC2::NatGateway');
});
