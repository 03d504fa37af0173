import { describe, expect, test } from 'vitest';
import {
  type LeaseCall,
  type LeaseInput,
  type LeaseOutput,
  leaseSpecification,
} from '../../support/lease-specification.ts';
import { checkLinearizable } from '../../support/linearizability.ts';

const leaseMs = 1_000;
const specification = leaseSpecification({ leaseMs, maxClockSkewMs: 250 });

const call = (calledAt: number, returnedAt: number, input: LeaseInput, output: LeaseOutput): LeaseCall => ({
  calledAt,
  returnedAt,
  input,
  output,
});
const lost = (calledAt: number, input: LeaseInput): LeaseCall => ({ calledAt, input });

let requests = 0;
const contend = (contenderId: string, requestId = `request-${requests++}`) =>
  ({ step: 'contend', contenderId, requestId }) as const;
const granted = (fencingVersion: number, expiresAt: number) => ({
  granted: { fencingVersion, sessionId: `session ${fencingVersion}`, expiresAt },
});
const fence = (fencingVersion: number) => ({ fencingVersion, sessionId: `session ${fencingVersion}` });
const confirm = (version: number) => ({ step: 'confirm', fence: fence(version), address: `host ${version}` }) as const;
const renew = (version: number) => ({ step: 'renew', fence: fence(version) }) as const;
const resign = (version: number, successor?: string) =>
  ({ step: 'resign', fence: fence(version), successor, requestId: 'bye' }) as const;
const revoke = (fencingVersion: number, force: boolean) =>
  ({ step: 'revoke', fencingVersion, force, requestId: 'order' }) as const;
const observe = { step: 'observe' } as const;
const none = (fencingVersion: number, pending = false) => ({ shown: { fencingVersion, pending, leader: null } });
const leader = (version: number, expiresAt: number) => ({
  shown: {
    fencingVersion: version,
    pending: false,
    leader: { sessionId: `session ${version}`, address: `host ${version}`, expiresAt },
  },
});
const held = (contenderId: string, fencingVersion: number, confirmed = false) => ({
  held: { contenderId, fencingVersion, confirmed },
});
const lostTo = (reason: string, fencingVersion: number) => ({ lost: { reason, fencingVersion } });
const done = { done: {} };

const first = call(0, 10, contend('a'), granted(1, 1_005));

describe('explains', () => {
  test.each<[string, LeaseCall[]]>([
    [
      'a term from its grant to its resignation',
      [
        call(0, 1, observe, none(0)),
        first,
        call(11, 12, observe, none(1, true)),
        call(20, 21, confirm(1), done),
        call(22, 23, observe, leader(1, 1_005)),
        call(30, 31, renew(1), { done: { expiresAt: 1_030 } }),
        call(32, 33, observe, leader(1, 1_030)),
        call(40, 41, resign(1), done),
        call(42, 43, observe, none(1)),
        call(44, 45, renew(1), lostTo('resigned', 1)),
        call(50, 51, contend('b'), granted(2, 1_050)),
        call(52, 53, renew(1), lostTo('superseded', 2)),
      ],
    ],
    [
      'one of two that contend at once',
      [call(0, 10, contend('a'), granted(1, 1_005)), call(0, 10, contend('b'), held('a', 1))],
    ],
    ['a contender that is given its term again', [first, call(20, 21, contend('a'), granted(1, 1_005))]],
    ['a takeover after the expiry and the allowance', [first, call(1_255, 1_260, contend('b'), granted(2, 2_257))]],
    [
      'a grant whose answer was lost',
      [lost(0, contend('a')), call(5, 6, contend('b'), held('a', 1)), call(7, 8, contend('a'), granted(1, 1_001))],
    ],
    [
      'a resignation whose answer was lost',
      [first, lost(20, resign(1)), call(30, 31, contend('b'), granted(2, 1_030))],
    ],
    [
      'a named successor',
      [
        first,
        call(20, 21, resign(1, 'heir'), done),
        call(22, 23, contend('b'), held('heir', 1)),
        call(24, 25, contend('heir'), granted(2, 1_024)),
      ],
    ],
    [
      'a revocation without force, and with it',
      [
        first,
        call(20, 21, revoke(1, false), done),
        call(22, 23, contend('b'), held('a', 1)),
        call(1_256, 1_257, contend('b'), granted(2, 2_256)),
        call(1_260, 1_261, revoke(2, true), done),
        call(1_262, 1_263, contend('c'), granted(3, 2_262)),
      ],
    ],
    [
      'a contender that resigned and is barred for one lease, and then leads again',
      [
        first,
        call(20, 21, resign(1), done),
        call(30, 31, contend('a'), { held: null }),
        call(1_025, 1_026, contend('a'), granted(2, 2_025)),
      ],
    ],
    [
      'a late retry whose term has ended',
      [
        call(0, 10, contend('a', 'same'), granted(1, 1_005)),
        call(20, 21, resign(1), done),
        call(30, 31, contend('a', 'same'), lostTo('resigned', 1)),
      ],
    ],
  ])('%s', (_, history) => {
    expect(checkLinearizable(history, specification)).toEqual({ linearizable: true });
  });
});

describe('does not explain', () => {
  test.each<[string, LeaseCall[]]>([
    ['two grants of one version', [first, call(20, 21, contend('b'), granted(1, 1_020))]],
    ['a grant while another holds the lease', [first, call(20, 21, contend('b'), granted(2, 1_020))]],
    ['a takeover before the allowance has passed', [first, call(1_100, 1_200, contend('b'), granted(2, 2_150))]],
    ['a version that falls', [first, call(20, 21, resign(1), done), call(30, 31, contend('b'), granted(1, 1_030))]],
    [
      'a version that is left out',
      [first, call(20, 21, resign(1), done), call(30, 31, contend('b'), granted(3, 1_030))],
    ],
    [
      'a renewal after the resignation',
      [first, call(20, 21, resign(1), done), call(30, 31, renew(1), { done: { expiresAt: 1_030 } })],
    ],
    ['a renewal that shortens the lease', [first, call(20, 21, renew(1), { done: { expiresAt: 900 } })]],
    ['a renewal after the expiry', [first, call(1_010, 1_020, renew(1), { done: { expiresAt: 2_010 } })]],
    ['a leader that has not confirmed', [first, call(20, 21, observe, leader(1, 1_005))]],
    [
      'a leader that has resigned',
      [first, call(20, 21, confirm(1), done), call(30, 31, resign(1), done), call(40, 41, observe, leader(1, 1_005))],
    ],
    ['no leader while one is confirmed', [first, call(20, 21, confirm(1), done), call(30, 31, observe, none(1))]],
    [
      'a retry that is granted twice',
      [
        call(0, 10, contend('a', 'same'), granted(1, 1_005)),
        call(20, 21, resign(1), done),
        call(30, 31, contend('a', 'same'), granted(2, 1_030)),
      ],
    ],
    [
      'a contender that leads again while it is barred',
      [first, call(20, 21, resign(1), done), call(1_010, 1_012, contend('a'), granted(2, 2_010))],
    ],
    [
      'a revoked contender that leads again before another could',
      [first, call(20, 21, revoke(1, false), done), call(1_300, 1_310, contend('a'), granted(2, 2_305))],
    ],
    [
      'a successor that is passed over',
      [first, call(20, 21, resign(1, 'heir'), done), call(30, 31, contend('b'), granted(2, 1_030))],
    ],
    [
      'a revoked lease that is free at once',
      [first, call(20, 21, revoke(1, false), done), call(30, 31, contend('b'), granted(2, 1_030))],
    ],
    [
      'a term lost for the wrong reason',
      [first, call(20, 21, resign(1), done), call(30, 31, renew(1), lostTo('revoked', 1))],
    ],
    ['a lost answer that took effect before it was asked', [call(0, 1, observe, none(1, true)), lost(5, contend('a'))]],
  ])('%s', (_, history) => {
    expect(checkLinearizable(history, specification)).toMatchObject({
      linearizable: false,
      stuckAt: expect.anything(),
    });
  });
});
