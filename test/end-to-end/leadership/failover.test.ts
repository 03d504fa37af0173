import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TenureError } from '../../../client/tenure-error.ts';
import { sizes } from '../../sizes.ts';
import { alive, family, type Watched } from '../../support/processes.ts';
import { client, end, eventually, folder, gone, leaderOf, newGroup, signal, tenure } from './tenure.ts';

/** Writes down under which fencing version it works, over and over. */
const worker = (diary: string) => `while :; do echo "$TENURE_FENCING_VERSION" >> ${diary}; sleep 0.02; done`;

/** No busy machine loses it; who waits looks often, so that nobody waits for it to run out. */
const lease = ['--lease', '60s', '--hand-over-poll', '500ms'];
/** To be waited for, and yet kept by a process that a busy machine keeps waiting. */
const shortLease = ['--lease', '6s'];

function start(group: string, id: string, diary: string, ...more: string[]): Watched {
  return tenure('lead', '--group', group, '--id', id, ...more, '--stay', '--', 'sh', '-c', worker(diary));
}

test(`a leader killed with SIGKILL is replaced, ${sizes.leadership.failovers} times in a row`, async () => {
  const group = newGroup();
  const diary = join(folder(), 'diary');
  const contenders = new Map(['c0', 'c1'].map((id) => [id, start(group, id, diary, ...lease)]));
  for (let round = 0; round < sizes.leadership.failovers; round += 1) {
    const dead = await leaderOf(group);
    const process = contenders.get(dead.contenderId);
    expect(process, `${dead.contenderId} runs`).toBeDefined();
    const itsCommand = family(process?.child.pid);
    process?.child.kill('SIGKILL');
    contenders.delete(dead.contenderId);

    const next = await leaderOf(group, (version) => version > dead.fencingVersion);
    expect(next.contenderId).not.toBe(dead.contenderId);
    expect(next.sessionId).not.toBe(dead.sessionId);
    // The dead leader's last request arrives now.
    const late = await client()
      .renew(group, dead, {})
      .catch((error: TenureError) => error);
    expect(late).toMatchObject({ code: 'leadership_lost', members: { fencingVersion: expect.any(Number) } });
    expect((await leaderOf(group)).fencingVersion).toBeGreaterThanOrEqual(next.fencingVersion);

    await gone(itsCommand);
    const written = versionsIn(diary).length;
    await eventually('the new leader works', () => versionsIn(diary).some((version) => version >= next.fencingVersion));
    expect(versionsIn(diary).slice(written)).not.toContain(dead.fencingVersion);
    const fresh = `c${round + 2}`;
    contenders.set(fresh, start(group, fresh, diary, ...lease));
  }
  expect(new Set(versionsIn(diary)).size).toBeGreaterThan(sizes.leadership.failovers);
});

test('when the whole machine dies, guard and all, the lease has to run out, and no longer', async () => {
  const group = newGroup();
  const diary = join(folder(), 'diary');
  const dying = start(group, 'dying', diary, ...shortLease);
  const { fencingVersion } = await leaderOf(group);
  const other = start(group, 'other', diary, ...shortLease);
  await other.says('waiting');
  // The guard first: nothing is left that could give the lease back.
  for (const pid of family(dying.child.pid).toReversed()) signal(pid, 'SIGKILL');
  await dying.ended();
  const { leader } = await client().observe(group, { consistent: true });
  const next = await leaderOf(group, (version) => version > fencingVersion);
  expect(next.contenderId).toBe('other');
  expect(Date.parse(next.confirmedAt)).toBeGreaterThan(Date.parse(leader?.expiresAt ?? ''));
});

test('the command of a leader that stands still is stopped all the same; thawed, it says that it lost', async () => {
  for (let round = 0; round < sizes.leadership.freezes; round += 1) {
    const group = newGroup();
    const diary = join(folder(), 'diary');
    const frozen = tenure('lead', '--group', group, ...shortLease, '--', 'sh', '-c', worker(diary));
    const first = await leaderOf(group);
    const other = start(group, 'other', diary, ...shortLease);
    await other.says('waiting');
    const children = commandOf(frozen);
    signal(frozen.child.pid ?? 0, 'SIGSTOP');
    const second = await leaderOf(group, (version) => version > first.fencingVersion);
    expect(second.contenderId).toBe('other');
    // The guard sees to that: the leader itself still stands still.
    await gone(children);
    const written = versionsIn(diary).length;
    await expect(client().renew(group, first, {})).rejects.toMatchObject({ code: 'leadership_lost' });
    signal(frozen.child.pid ?? 0, 'SIGCONT');
    expect(await frozen.ended()).toBe(75);
    expect(frozen.output()).toContain('lost leadership (expired)');
    await eventually('the other works', () => versionsIn(diary).includes(second.fencingVersion));
    expect(versionsIn(diary).slice(written)).not.toContain(first.fencingVersion);
    await end(other);
  }
});

/** The processes under a `tenure lead`, without its guard. */
function commandOf({ child }: Watched): number[] {
  const guards = alive(family(child.pid)).filter((line) => line.includes('guard.mjs'));
  const guardIds = guards.map((line) => Number.parseInt(line, 10));
  return family(child.pid).filter((pid) => pid !== child.pid && !guardIds.includes(pid));
}

function versionsIn(diary: string): number[] {
  return readFileSync(diary, 'utf8').trim().split('\n').map(Number);
}
