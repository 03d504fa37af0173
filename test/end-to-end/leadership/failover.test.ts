import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TenureError } from '../../../client/tenure-error.ts';
import { sizes } from '../../sizes.ts';
import { alive, family, type Watched } from '../../support/processes.ts';
import { client, end, eventually, folder, gone, leaderOf, newGroup, signal, tenure } from './tenure.ts';

/** Writes down under which fencing version it works, over and over. */
const worker = (diary: string) => `while :; do echo "$TENURE_FENCING_VERSION" >> ${diary}; sleep 0.02; done`;

/** Long enough to be kept by a process that a busy machine keeps waiting. */
const lease = '3s';

function start(group: string, id: string, diary: string): Watched {
  return tenure('lead', '--group', group, '--id', id, '--lease', lease, '--stay', '--', 'sh', '-c', worker(diary));
}

test(`a leader killed with SIGKILL is replaced, ${sizes.leadership.failovers} times in a row`, async () => {
  const group = newGroup();
  const diary = join(folder(), 'diary');
  const contenders = new Map(['c0', 'c1'].map((id) => [id, start(group, id, diary)]));
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
      .renew(group, dead, { leaseMs: 2_000 })
      .catch((error: TenureError) => error);
    expect(late).toMatchObject({ code: 'leadership_lost', members: { fencingVersion: expect.any(Number) } });
    expect((await leaderOf(group)).fencingVersion).toBeGreaterThanOrEqual(next.fencingVersion);

    await gone(itsCommand);
    const written = versionsIn(diary).length;
    await eventually('the new leader works', () => versionsIn(diary).some((version) => version >= next.fencingVersion));
    expect(versionsIn(diary).slice(written)).not.toContain(dead.fencingVersion);
    const fresh = `c${round + 2}`;
    contenders.set(fresh, start(group, fresh, diary));
  }
  expect(new Set(versionsIn(diary)).size).toBeGreaterThan(sizes.leadership.failovers);
});

test('the command of a leader that stands still is stopped all the same; thawed, it says that it lost', async () => {
  for (let round = 0; round < sizes.leadership.freezes; round += 1) {
    const group = newGroup();
    const diary = join(folder(), 'diary');
    const frozen = tenure('lead', '--group', group, '--lease', lease, '--', 'sh', '-c', worker(diary));
    const first = await leaderOf(group);
    const other = start(group, 'other', diary);
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
