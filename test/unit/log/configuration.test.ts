import { describe, expect, test } from 'vitest';
import {
  allReplicas,
  beginChange,
  type Configuration,
  cancelChange,
  endChange,
  firstConfiguration,
  majoritiesOf,
  makeJoint,
} from '../../../log/protocol/configuration.ts';
import { isMajority, tally } from '../../../log/protocol/quorum.ts';
import { memberOf } from '../../support/log/memory-members.ts';

const ids = (configuration: Configuration) => allReplicas(configuration).map(({ id }) => id);
const three = firstConfiguration([1, 2, 3].map(memberOf));
const begun = beginChange(three, [memberOf(1), memberOf(2), memberOf(4)]);
const joint = makeJoint(begun) ?? expect.fail('not joint');

describe('a change of the members', () => {
  test('counts for nothing until it is joint, and then needs both majorities', () => {
    expect([begun.version, ids(begun), majoritiesOf(begun)]).toEqual([1, ['1', '2', '3', '4'], [[0, 1, 2]]]);
    expect([joint.version, majoritiesOf(joint)]).toEqual([
      2,
      [
        [0, 1, 2],
        [0, 1, 3],
      ],
    ]);
    expect(isMajority(majoritiesOf(joint), new Set([0, 2]))).toBe(false);
    expect(isMajority(majoritiesOf(joint), new Set([2, 3]))).toBe(false);
    expect(isMajority(majoritiesOf(joint), new Set([0, 2, 3]))).toBe(true);
  });

  test('ends with the next members, or with the old ones when it is cancelled, under a version of its own', () => {
    expect(endChange(joint)).toEqual({ version: 3, replicas: [1, 2, 4].map(memberOf) });
    expect(cancelChange(begun)).toEqual(three);
    expect(cancelChange(joint)).toEqual({ ...three, version: 3 });
  });

  test('takes no step out of its order', () => {
    expect(makeJoint(three)).toBeUndefined();
    expect(makeJoint(joint)).toBeUndefined();
    expect(endChange(begun)).toBeUndefined();
  });

  test('says of which members votes are lacking', () => {
    const votes = tally({ majorities: majoritiesOf(joint) }, [true, undefined, true, undefined], (vote) => vote);
    expect(votes).toEqual({ met: false, voting: 1, quorum: 2 });
  });
});
