/** Entries of the journal and the events, against scripted histories. */
import { describe, expect, test } from 'vitest';
import { explain } from '../../../client/explain/explain.ts';
import type { Facts, JournalMinute } from '../../../client/explain/facts.ts';
import { waitingNow } from '../../../client/explain/waiting.ts';
import { why } from '../../../client/explain/why.ts';
import { facts, noon, term } from './story.ts';

const iso = (seconds: number) => new Date(noon + seconds * 1_000).toISOString();
const minute = (seconds: number, more: Partial<JournalMinute>): JournalMinute => ({
  at: iso(seconds),
  refused: [],
  waiting: [],
  happened: [],
  ...more,
});
const journal = (...items: JournalMinute[]): Pick<Facts, 'journal'> => ({ journal: { kept: true, items } });

const story = [term(7, 'a', 0, { at: 191.2, reason: 'expired' }), term(8, 'b', 191.7, undefined, { grantedAt: 191.5 })];
const at = { at: 300 };
const checkpoint = { request: 'POST jobs/totals/checkpoints', code: 'fenced', fencingVersion: 7, count: 3 };
const renewal = { request: 'POST leadership/renew', code: 'leadership_lost', fencingVersion: 7, count: 1 };

const entriesOf = (given: Partial<Facts>, kind: string) =>
  explain(facts(story, at, given)).entries.filter((entry) => entry.kind === kind);

describe('refused fences and lost leases', () => {
  test('stand behind the end of their term, with its cause, the count and who leads instead', () => {
    const [lost, refused] = entriesOf(journal(minute(180, { refused: [renewal, checkpoint] })), 'refused');
    expect(lost).toMatchObject({
      at: iso(191.2),
      text: 'a lease was lost: POST leadership/renew of version 7 (a) refused once',
      because: expect.stringContaining('a stopped renewing'),
    });
    expect(refused?.text).toBe('POST jobs/totals/checkpoints of version 7 (a) refused 3 times');
    expect(refused?.evidence).toEqual([
      'counted by the journal in the minute from 12:03:00.000, code fenced',
      'version 7 had ended at 12:03:11.200',
      'b was confirmed with version 8 at 12:03:11.700',
    ]);
  });

  test('of a term that is not known say what the code says', () => {
    const items = minute(240, { refused: [{ ...checkpoint, fencingVersion: 3 }] });
    expect(entriesOf(journal(items), 'refused')[0]).toMatchObject({
      at: iso(240),
      because: 'a newer term had touched the job',
    });
  });
});

describe('why was this write refused?', () => {
  test('without a version the newest refusal is explained', () => {
    const given = facts(story, at, journal(minute(180, { refused: [checkpoint] })));
    const { cause, answer, evidence } = why('refused', given);
    expect(cause).toBe('fenced');
    expect(answer).toMatch(
      /^The newest refusal is POST jobs\/totals\/checkpoints with version 7. The term of version 7 ended at 12:03:11.200: a stopped renewing/,
    );
    expect(evidence.at(-1)).toBe('the journal has POST jobs/totals/checkpoints refused with fenced, 3 in its minute');
  });

  test('of a job only its own refusals count', () => {
    const given = facts(story, at, journal(minute(180, { refused: [checkpoint] })));
    expect(why('refused', given, { job: 'other' }).cause).toBe('which-version');
    expect(why('refused', given, { job: 'totals' }).cause).toBe('fenced');
  });
});

describe('who waits', () => {
  const items = [
    minute(120, { waiting: [{ contenderId: 'b', seenAt: iso(120) }] }),
    minute(240, {
      waiting: [
        { contenderId: 'c', seenAt: iso(290) },
        { contenderId: 'd', seenAt: iso(245) },
      ],
    }),
  ];

  test('was seen within two and a half minutes and does not lead', () => {
    const leader = { contenderId: 'd' } as never;
    expect(waitingNow(items, null, noon + 300_000).map(({ contenderId }) => contenderId)).toEqual(['c', 'd']);
    expect(waitingNow(items, leader, noon + 300_000)).toEqual([{ contenderId: 'c', seenAt: noon + 290_000 }]);
  });

  test('is evidence where nobody leads, and so is that nobody does', () => {
    const ended = [term(7, 'a', 0, { at: 191.2, reason: 'expired' })];
    const asked = (more: Partial<Facts>) => why('nobody-leads', facts(ended, at, more)).evidence;
    expect(asked(journal(...items))).toContain('c waits: it was seen 10.0 s ago');
    expect(asked(journal())).toContain('no contender has asked or looked for 2 min 30 s');
    expect(asked({ journal: { kept: false, items: [] } }).join()).not.toContain('no contender');
  });
});

describe('orders and recoveries', () => {
  test('a hand-over names who was asked, for whom, and what came of it', () => {
    const details = { fencingVersion: 7, contenderId: 'a', successor: 'b' };
    const happened = [{ at: iso(190.2), what: 'hand-over-asked' as const, details }];
    const resigned = [term(7, 'a', 0, { at: 191.2, reason: 'resigned' }), term(8, 'b', 191.7)];
    const explanation = explain(facts(resigned, at, journal(minute(180, { happened }))));
    expect(explanation.entries.find(({ kind }) => kind === 'hand-over')).toMatchObject({
      at: iso(190.2),
      text: 'an operator asked a to hand version 7 over to b',
      evidence: ['the term ended 1.00 s later: resigned'],
    });
  });

  test('recovered jobs and elections name the version and the ballot', () => {
    const happened = [
      { at: iso(191.6), what: 'jobs-recovered' as const, details: { jobs: 2, damaged: 1, fencingVersion: 8 } },
      {
        at: iso(192),
        what: 'writer-elected' as const,
        details: { log: 'events', ballot: 3, position: 40, fencingVersion: 8 },
      },
    ];
    const given = journal(minute(180, { happened }));
    expect(entriesOf(given, 'recovery')[0]).toMatchObject({
      text: '2 jobs recovered with the newest checkpoints',
      evidence: ['by fencing version 8', '1 of them damaged'],
    });
    expect(entriesOf(given, 'election')[0]).toMatchObject({
      text: 'a writer of log events was elected with ballot 3',
      evidence: ['by fencing version 8', 'the log ended at position 40; earlier writers are refused from then on'],
    });
  });

  test('a restore has its begin and its end', () => {
    const restoreId = '0b6f1c1e-0000-4000-8000-000000000001';
    const happened = [{ at: iso(60), what: 'restore-begun' as const, details: { restoreId, uri: 's3://b/p/' } }];
    const restore = {
      restoreId,
      group: 'orders',
      uri: 's3://b/p/',
      state: 'COMPLETED' as const,
      entryCount: 9,
      restoredEntries: 9,
      startedAt: iso(60),
      endedAt: iso(72),
    };
    const explanation = entriesOf({ ...journal(minute(60, { happened })), restores: [restore] }, 'restore');
    expect(explanation.map(({ text }) => text)).toEqual([
      'the restore 0b6f1c1e of s3://b/p/ began',
      'the restore 0b6f1c1e completed after 12.0 s',
    ]);
    expect(explanation[1]?.evidence).toEqual(['9 of 9 entries']);
  });

  test('changes of the configuration come from the journal, changes of a status from the events', () => {
    const happened = [{ at: iso(200), what: 'replicas-changed' as const, details: { log: 'events', add: 1 } }];
    const event = (seconds: number, more: object) => ({ type: 'Replica Status Changed', at: iso(seconds), ...more });
    const events = [
      event(205, { log: 'events', replica: '1', status: 'VOTING' }),
      event(210, { log: 'events', replica: '4', status: 'RECOVERING', previousStatus: 'EMPTY' }),
      event(220, { log: 'events', replica: '4', status: 'VOTING', previousStatus: 'RECOVERING' }),
      event(230, { log: 'events', replica: '1', status: 'UNREACHABLE', previousStatus: 'VOTING' }),
    ];
    const given = { ...journal(minute(180, { happened })), events };
    expect(entriesOf(given, 'configuration').map(({ text }) => text)).toEqual([
      'the replicas of log events were changed: add 1',
      'replica 1 of log events went from VOTING to UNREACHABLE',
    ]);
    expect(entriesOf(given, 'recovery').map(({ text }) => text)).toEqual([
      'replica 4 of log events went from EMPTY to RECOVERING',
      'replica 4 of log events went from RECOVERING to VOTING',
    ]);
  });
});
