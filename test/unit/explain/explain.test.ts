import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explain } from '../../../client/explain/explain.ts';
import { availabilityOf, gapsOf, tenuresOf } from '../../../client/explain/tenures.ts';
import { facts, noon, term } from './story.ts';

const texts = (explanation: ReturnType<typeof explain>) => explanation.entries.map(({ text }) => text);

describe('a fail-over', () => {
  const story = [
    term(7, 'a', 0, { at: 191.2, reason: 'expired' }),
    term(8, 'b', 191.7, undefined, { grantedAt: 191.579 }),
  ];
  const explanation = explain(facts(story, { at: 300 }));

  test('is told with its cause and what shows it', () => {
    const granted = explanation.entries.find(({ text }) => text.startsWith('version 8'));
    expect(granted?.text).toBe("version 8 granted to b 379 ms after version 7's lease ended at 12:03:11.200");
    expect(granted?.evidence).toEqual([
      'the first 250 ms of it are the allowance for clock skew',
      'b got ready and was confirmed 121 ms after the grant',
      'address b.internal:1',
    ]);
    const ended = explanation.entries.find(({ kind }) => kind === 'end');
    expect(ended).toMatchObject({
      text: 'version 7 of a ended after 3 min 11 s',
      because: 'a stopped renewing: its process froze or ended, or its requests no longer arrived',
    });
    expect(ended?.evidence).toEqual([
      'last renewal 12:02:56.200; the lease of 15.0 s ran out at 12:03:11.200',
      'a leader renews every 5.00 s, so three renewals in a row are missing',
    ]);
  });

  test('is the one gap, with its length and cause', () => {
    expect(explanation.availability).toMatchObject({
      gaps: 1,
      gapMs: 500,
      ledMs: 299_500,
      longestGap: { ms: 500, because: expect.stringContaining('a stopped renewing') },
    });
    expect(explanation.availability.percent).toBeCloseTo(99.8333, 3);
  });
});

test('a revocation is told in the words of the operator, and why nobody could follow at once', () => {
  const story = [
    term(1, 'a', 0, { at: 60, reason: 'revoked', detail: 'host is drained' }),
    term(2, 'b', 71, undefined, { grantedAt: 70.5 }),
  ];
  const explanation = explain(facts(story, { at: 100 }));
  expect(explanation.entries.find(({ kind }) => kind === 'end')?.because).toBe(
    'an operator revoked it (“host is drained”)',
  );
  expect(explanation.entries.at(-1)?.evidence).toContain('without force the lease stays taken until its old expiry');
  expect(explanation.availability.longestGap).toMatchObject({ ms: 11_000 });
});

test('a resignation is explained in the words of the process that resigned', () => {
  const because = (detail?: string) => {
    const ended = { at: 60, reason: 'resigned', ...(detail && { detail }) } as const;
    const { entries } = explain(facts([term(1, 'a', 0, ended), term(2, 'b', 61)], { at: 100 }));
    return entries.find(({ kind }) => kind === 'end')?.because;
  };
  expect(because('its work was done')).toBe('a resigned: its work was done');
  expect(because()).toBe('a resigned: its work was done, or it was asked to hand over');
});

test('leaders that never got ready are counted', () => {
  const story = [term(3, 'a', 0, { at: 60, reason: 'resigned' }), term(7, 'b', 120)];
  const explanation = explain(facts(story, { at: 130 }));
  expect(explanation.entries.at(-1)?.evidence[0]).toBe(
    'versions 4 to 6 were granted and never confirmed: those leaders did not get ready',
  );
  const recreated = [term(3, 'a', 0, { at: 60, reason: 'expired' }), term(1_003, 'b', 120)];
  expect(
    explain(facts(recreated, { at: 130 }))
      .entries.at(-1)
      ?.evidence.join(),
  ).not.toContain('never confirmed');
});

test('a time without a leader that lasts is an entry of its own', () => {
  const explanation = explain(facts([term(1, 'a', 0, { at: 60, reason: 'expired' })], { at: 100 }));
  expect(texts(explanation)).toEqual([
    'version 1 went to a, the first leader known here',
    'version 1 of a ended after 60.0 s',
    'no leader since then: 40.0 s so far',
  ]);
  expect(explanation.availability.percent).toBeCloseTo(60, 5);
});

test('a clock that is ahead is named', () => {
  const story = [term(1, 'a', 0, { at: 60, reason: 'expired' }), term(2, 'b', 61, undefined, { grantedAt: 66 })];
  const doubts = explain(facts(story, { at: 90 })).entries.filter(({ kind }) => kind === 'doubt');
  expect(doubts.map(({ text }) => text)).toEqual([
    'version 2 was confirmed 5.00 s before its grant: the clock that granted it is ahead by at least that',
  ]);
});

test('the period cuts what lies before it, and the availability counts only what lies in it', () => {
  const story = [
    term(1, 'a', 0, { at: 100, reason: 'resigned' }),
    term(2, 'b', 110, { at: 200, reason: 'resigned' }),
    term(3, 'c', 200.5),
  ];
  const explanation = explain(facts(story, { at: 300, sinceSeconds: 150 }));
  expect(texts(explanation)).toEqual([
    'version 2 of b ended after 90.0 s',
    expect.stringMatching(/^version 3 granted to c 500 ms/),
  ]);
  expect(explanation.availability).toMatchObject({ gaps: 1, gapMs: 500, ledMs: 149_500 });
});

test('jobs, checkpoints, backups and logs lie on the same line', () => {
  const at = (seconds: number) => new Date(noon + seconds * 1_000).toISOString();
  const checkpoints = (count: number) =>
    Array.from({ length: count }, (_, n) => ({
      checkpointId: n + 1,
      bytes: 2_048,
      sha256: '0'.repeat(64),
      committedAt: at(10 + 5 * n),
    }));
  const job = (jobId: string, count: number, more: object = {}) => ({
    jobId,
    state: 'ACTIVE' as const,
    fencingVersion: 1,
    graph: null,
    retain: 9,
    checkpoints: checkpoints(count),
    savepoints: [],
    nextCheckpointId: count + 1,
    submittedAt: at(5),
    ...more,
  });
  const backup = {
    backupId: '01a20f24-f7ec-74ce-94b9-b3f4937f4e51',
    group: 'orders',
    state: 'FAILED' as const,
    attempt: 1,
    worker: 'w1',
    entryCount: 0,
    bytes: 0,
    startedAt: at(30),
    endedAt: at(90),
    phases: {},
    error: { code: 'backup_timed_out', message: 'w1 sent no heartbeat for 60 s' },
    refusals: [{ worker: 'w0', reason: 'busy' }],
  };
  const replica = (id: string, status: 'VOTING' | 'EMPTY') =>
    ({
      id,
      status,
      begin: 0,
      end: 4,
      promised: 1,
      lag: status === 'EMPTY' ? 4 : 0,
      ...(status === 'EMPTY' && { waitsFor: 'the others' }),
    }) as never;
  const log = {
    log: 'events',
    autoInitialize: true,
    createdAt: at(6),
    begin: 0,
    end: 4,
    quorum: 2,
    voting: 2,
    configuration: { version: 1, replicas: [] },
    replicas: [replica('1', 'VOTING'), replica('2', 'VOTING'), replica('3', 'EMPTY')],
  };
  const jobs = [
    job('few', 2),
    job('many', 6),
    job('done', 0, { state: 'CLEANED', result: 'succeeded', finishedAt: at(80) }),
  ];
  const explanation = explain(facts([term(1, 'a', 0)], { at: 100 }, { jobs, backups: [backup], logs: [log] }));
  expect(texts(explanation)).toEqual([
    'version 1 went to a, the first leader known here',
    'job few submitted',
    'job many submitted',
    'job done submitted',
    'log events created',
    'checkpoint 1 of few committed (2.0 KiB)',
    'checkpoint 2 of few committed (2.0 KiB)',
    'backup 01a20f24 begun',
    'checkpoints 1 to 6 of many committed, one every 5.00 s on average',
    'job done succeeded',
    'backup 01a20f24 failed after 60.0 s',
    'log events: 2 of 3 replicas vote',
  ]);
  expect(explanation.entries.at(-2)?.because).toBe('w1 sent no heartbeat for 60 s');
  expect(explanation.entries.at(-1)?.evidence).toEqual(['replica 3 is EMPTY, 4 behind: the others']);
});

test('of any history, led and leaderless time are the whole period, and no gap overlaps a term', () => {
  const lengths = fc.array(fc.record({ led: fc.integer({ min: 0, max: 500 }), gap: fc.integer({ min: 0, max: 90 }) }), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 5_000 }), fc.boolean(), (script, sinceSeconds, isLed) => {
      let at = 0;
      let truth = 0;
      const spans: { from: number; to: number }[] = [];
      const story = script.map(({ led, gap }, index) => {
        const from = at;
        const isLast = index === script.length - 1;
        at = from + led + gap;
        if (!(isLast && isLed) && gap > 0) spans.push({ from: from + led, to: at });
        return term(
          index + 1,
          `c${index % 3}`,
          from,
          isLast && isLed ? undefined : { at: from + led, reason: 'expired' },
        );
      });
      const period = { now: noon + at * 1_000, since: noon + (at - sinceSeconds) * 1_000 };
      const begin = Math.max(0, at - sinceSeconds);
      for (const { from, to } of spans) truth += Math.max(0, to - Math.max(from, begin)) * 1_000;
      const tenures = tenuresOf(story.toReversed());
      const { ledMs, gapMs, from, to } = availabilityOf(tenures, period);
      expect(gapMs).toBe(truth);
      expect(ledMs + gapMs).toBe(to - from);
      for (const gap of gapsOf(tenures, period)) expect(gap.ms).toBeGreaterThan(0);
    }),
  );
});
