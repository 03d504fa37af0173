import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sizes } from '../../sizes.ts';
import type { Watched } from '../../support/processes.ts';
import { client, end, eventually, folder, leaderOf, newGroup, signal, tenure } from './tenure.ts';

/** Writes down under which fencing version it works, over and over; the order of the lines is the order of the work. */
const worker = (diary: string) => `while :; do echo "$TENURE_FENCING_VERSION" >> ${diary}; sleep 0.02; done`;

function start(group: string, id: string, diary: string): Watched {
  return tenure('lead', '--group', group, '--id', id, '--lease', '2s', '--stay', '--', 'sh', '-c', worker(diary));
}

test(`a leader killed with SIGKILL is replaced, ${sizes.leadership.failovers} times in a row`, async () => {
  const group = newGroup();
  const diary = join(folder(), 'diary');
  const contenders = new Map(['c0', 'c1'].map((id) => [id, start(group, id, diary)]));
  for (let round = 0; round < sizes.leadership.failovers; round += 1) {
    const dead = await leaderOf(group);
    const process = contenders.get(dead.contenderId);
    expect(process, `${dead.contenderId} runs`).toBeDefined();
    process?.child.kill('SIGKILL');
    contenders.delete(dead.contenderId);

    const next = await leaderOf(group, (version) => version > dead.fencingVersion);
    expect(next.contenderId).not.toBe(dead.contenderId);
    expect(next.sessionId).not.toBe(dead.sessionId);
    // What the dead one sent last arrives now.
    await expect(client().renew(group, dead, { leaseMs: 2_000 })).rejects.toMatchObject({
      code: 'leadership_lost',
      members: { fencingVersion: next.fencingVersion },
    });
    expect(await leaderOf(group)).toMatchObject({ sessionId: next.sessionId });
    const fresh = `c${round + 2}`;
    contenders.set(fresh, start(group, fresh, diary));
  }
  await eventually(
    'the last leader works',
    () => versionsIn(diary).at(-1) === versionsIn(diary).toSorted(rising).at(-1),
  );
  // No command worked on after one of a later term had begun.
  const versions = versionsIn(diary);
  expect(versions).toEqual(versions.toSorted(rising));
  expect(new Set(versions).size).toBeGreaterThan(sizes.leadership.failovers);
});

test('the command of a leader that stands still is stopped before another leads; thawed, it says that it lost', async () => {
  for (let round = 0; round < sizes.leadership.freezes; round += 1) {
    const group = newGroup();
    const diary = join(folder(), 'diary');
    const frozen = tenure('lead', '--group', group, '--lease', '2s', '--', 'sh', '-c', worker(diary));
    const first = await leaderOf(group);
    const other = start(group, 'other', diary);
    await other.says('waiting');
    signal(frozen.child.pid ?? 0, 'SIGSTOP');
    const second = await leaderOf(group, (version) => version > first.fencingVersion);
    expect(second.contenderId).toBe('other');
    await eventually('the other works', () => versionsIn(diary).includes(second.fencingVersion));
    await expect(client().renew(group, first, {})).rejects.toMatchObject({ code: 'leadership_lost' });
    const before = versionsIn(diary);
    signal(frozen.child.pid ?? 0, 'SIGCONT');
    expect(await frozen.ended()).toBe(75);
    expect(frozen.output()).toContain('lost leadership (expired)');
    const versions = versionsIn(diary);
    expect(versions).toEqual(versions.toSorted(rising));
    expect(versions.slice(before.length)).not.toContain(first.fencingVersion);
    await end(other);
  }
});

const rising = (one: number, other: number) => one - other;

function versionsIn(diary: string): number[] {
  return readFileSync(diary, 'utf8').trim().split('\n').map(Number);
}
