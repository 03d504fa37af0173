import { describe, expect, test } from 'vitest';
import type { Facts, Leadership } from '../../../client/explain/facts.ts';
import { why } from '../../../client/explain/why.ts';
import { facts, noon, term } from './story.ts';

const leaderless = (more: Partial<Leadership>): Partial<Facts> => ({
  leadership: { leader: null, ...more } as Leadership,
});
const frozen = [term(4, 'a', 0, { at: 60, reason: 'expired' })];

describe('why does nobody lead?', () => {
  const asked = (given: Facts) => why('nobody-leads', given);

  test('somebody does', () => {
    expect(asked(facts([term(1, 'a', 0)], { at: 60 }))).toMatchObject({
      cause: 'led',
      answer: 'a leads with version 1, confirmed 12:00:00.000.',
    });
  });

  test('nobody ever has', () => {
    expect(asked(facts([], { at: 60 }))).toMatchObject({
      cause: 'never-led',
      next: ['tenure lead --group orders -- COMMAND'],
    });
  });

  test('a frozen leader, whose lease nobody takes', () => {
    const { cause, answer, evidence, next } = asked(facts(frozen, { at: 100 }));
    expect(cause).toBe('leader-lost');
    expect(answer).toContain('a stopped renewing, and the lease is free: no request for it arrives');
    expect(evidence.join('\n')).toContain('last renewal 12:00:45.000; the lease of 15.0 s ran out at 12:01:00.000');
    expect(next).toContain('POST /v1/groups/orders/leadership/contend');
  });

  test('a contender without permission is named as a cause that Tenure cannot see', () => {
    const resigned = [term(4, 'a', 0, { at: 60, reason: 'resigned' })];
    const { cause, answer, next } = asked(facts(resigned, { at: 100 }));
    expect(cause).toBe('nobody-contends');
    expect(answer).toContain('refused before they reach Tenure');
    expect(next.join(' ')).toContain('`forbidden` means that their role lacks execute-api:Invoke');
  });

  test('the allowance for clock skew', () => {
    const { cause, answer } = asked(
      facts(frozen, { at: 60.1 }, leaderless({ fencingVersion: 4, availableInMs: 151, pending: false })),
    );
    expect({ cause, answer }).toEqual({
      cause: 'skew-allowance',
      answer:
        'The lease of version 4 has just run out; it can be taken in 151 ms, once the allowance for clock skew has passed.',
    });
  });

  test('revoked with time left', () => {
    const revoked = [term(4, 'a', 0, { at: 60, reason: 'revoked', detail: 'drained' })];
    const { cause, answer, evidence } = asked(
      facts(revoked, { at: 61 }, leaderless({ fencingVersion: 4, availableInMs: 9_000, pending: false })),
    );
    expect(cause).toBe('revoked');
    expect(answer).toContain('was revoked without force: nobody can take the lease for 9.00 s');
    expect(evidence[0]).toContain('“drained”');
  });

  test('a reserved successor', () => {
    const resigned = [term(4, 'a', 0, { at: 60, reason: 'resigned' })];
    const { cause, answer } = asked(
      facts(
        resigned,
        { at: 61 },
        leaderless({ fencingVersion: 4, availableInMs: 14_000, reservedFor: 'b', pending: false }),
      ),
    );
    expect(cause).toBe('reserved');
    expect(answer).toContain('kept for b, whom the last leader named as its successor, for 14.0 s more');
  });

  test('a barred instance, and nobody else', () => {
    const barred = { instanceId: 'i-1', until: new Date(noon + 70_000).toISOString() };
    const resigned = [term(4, 'a', 0, { at: 60, reason: 'resigned' })];
    const { cause, answer } = asked(
      facts(resigned, { at: 61 }, leaderless({ fencingVersion: 4, availableInMs: 0, barred, pending: false })),
    );
    expect({ cause, answer }).toEqual({
      cause: 'barred',
      answer: 'The process that led last leaves the lease to others for 9.00 s more, and nobody else contends.',
    });
  });

  test('a restore under way', () => {
    const restoring = '01a20f24-f7ec-74ce-94b9-b3f4937f4e51';
    const { cause, next } = asked(
      facts([], { at: 61 }, leaderless({ fencingVersion: 1_001, availableInMs: 0, restoring, pending: false })),
    );
    expect(cause).toBe('restoring');
    expect(next[0]).toBe(`tenure restore show ${restoring} --group orders`);
  });

  test('a leader that gets ready, and one that never does', () => {
    const pending = (fencingVersion: number) => leaderless({ fencingVersion, availableInMs: 9_000, pending: true });
    expect(asked(facts(frozen, { at: 61 }, pending(5))).answer).toContain('Version 5 was granted and gets ready');
    expect(asked(facts(frozen, { at: 99 }, pending(8))).answer).toContain(
      'Version 8 gets ready, as 3 before it did that were never confirmed',
    );
  });

  test('a throttled table, and a caller who may not look', () => {
    const with_ = (code: string) =>
      facts(frozen, { at: 61 }, { unanswered: [{ asked: 'leadership', code, message: 'no' }] });
    expect(asked(with_('unavailable'))).toMatchObject({ cause: 'unavailable', evidence: ['no'] });
    expect(asked(with_('unavailable')).answer).toContain('its table is throttled or out of reach');
    expect(asked(with_('forbidden')).answer).toBe(
      'Unknown: your credentials may not read the leadership of the group.',
    );
  });
});

describe('why did it move?', () => {
  test('a frozen leader', () => {
    const story = [...frozen, term(5, 'b', 60.6, undefined, { grantedAt: 60.3 })];
    const { cause, answer, evidence } = why('moved', facts(story, { at: 90 }));
    expect(cause).toBe('expired');
    expect(answer).toContain('From a to b, with version 5: a stopped renewing');
    expect(answer).toContain('Nobody led for 600 ms.');
    expect(evidence).toContain('the first 250 ms of it are the allowance for clock skew');
  });

  test('a clock ahead', () => {
    const story = [...frozen, term(5, 'b', 60.6, undefined, { grantedAt: 62 })];
    expect(why('moved', facts(story, { at: 90 }))).toMatchObject({ cause: 'clock-ahead' });
  });

  test('it has not', () => {
    expect(why('moved', facts([term(1, 'a', 0)], { at: 9 })).cause).toBe('one-term');
  });
});

describe('why does this replica not vote?', () => {
  const replica = (id: string, status: string, more: object = {}) => ({
    id,
    status,
    begin: 0,
    end: 4,
    promised: 1,
    lag: 0,
    ...more,
  });
  const logs = [
    {
      log: 'events',
      quorum: 2,
      voting: 1,
      replicas: [
        replica('1', 'VOTING'),
        replica('2', 'EMPTY', { lag: 4, waitsFor: 'replica 3, which is UNREACHABLE' }),
        replica('3', 'UNREACHABLE'),
      ],
    },
  ] as never;
  const given = facts([term(1, 'a', 0)], { at: 9 }, { logs });

  test('the first that does not, or the one that is named', () => {
    expect(why('no-vote', given)).toMatchObject({
      cause: 'empty',
      answer: 'Replica 2 of events does not vote: replica 3, which is UNREACHABLE.',
      evidence: ['status EMPTY, 4 positions behind', '1 of 3 vote, 2 must'],
      next: ['tenure log recover events --group orders --replica 2'],
    });
    expect(why('no-vote', given, { replica: '3' }).answer).toContain('its table cannot be read: throttled');
    expect(why('no-vote', given, { replica: '1' }).cause).toBe('votes');
    expect(why('no-vote', given, { replica: '9' }).cause).toBe('no-replica');
    expect(why('no-vote', given, { log: 'audit' }).cause).toBe('no-log');
  });
});

describe('why was this write refused?', () => {
  const story = [...frozen, term(5, 'b', 61)];
  const given = facts(story, { at: 90 });

  test('its term had ended', () => {
    const { cause, answer } = why('refused', given, { fencingVersion: 4 });
    expect(cause).toBe('fenced');
    expect(answer).toContain('The term of version 4 ended at 12:01:00.000: a stopped renewing');
    expect(answer).toContain('b leads with 5.');
  });

  test('its term was never granted, never confirmed, or runs', () => {
    expect(why('refused', given, { fencingVersion: 9 }).cause).toBe('unknown-version');
    expect(why('refused', given, { fencingVersion: 2 }).answer).toContain('Version 2 was never confirmed, or is older');
    expect(why('refused', given, { fencingVersion: 5 }).cause).toBe('current');
    expect(why('refused', given).cause).toBe('which-version');
  });

  test('its job was finished', () => {
    const jobs = [
      { jobId: 'nightly', state: 'CLEANED', result: 'succeeded', checkpoints: [], submittedAt: '' },
    ] as never;
    expect(why('refused', facts(story, { at: 90 }, { jobs }), { job: 'nightly', fencingVersion: 5 })).toMatchObject({
      cause: 'job-finished',
      answer: 'Job nightly is CLEANED, with the result succeeded: it takes no more writes.',
    });
  });
});
