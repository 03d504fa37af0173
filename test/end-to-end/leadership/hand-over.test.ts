import { expect, test } from 'vitest';
import type { Watched } from '../../support/processes.ts';
import { asked, client, leaderOf, newGroup, tenure } from './tenure.ts';

/** A lease that no busy machine loses, and looks and renewals so often that nobody waits for a third of it. */
const lease = ['--lease', '60s', '--renew-every', '1s', '--hand-over-poll', '500ms'];

const start = (group: string, id: string, ...more: string[]): Watched =>
  tenure('lead', '--group', group, '--id', id, ...lease, ...more, '--', 'sleep', '600');

test('of two processes with one id one leads; the other waits, and takes over when the first ends', async () => {
  const group = newGroup();
  const first = start(group, 'same');
  const { fencingVersion, address } = await leaderOf(group);
  const second = start(group, 'same');
  await second.says('waiting');
  const view = await client().observe(group, { consistent: true });
  expect(view).toMatchObject({ fencingVersion, leader: { contenderId: 'same', address } });
  first.child.kill('SIGTERM');
  const next = await leaderOf(group, (version) => version > fencingVersion);
  expect(next).toMatchObject({ contenderId: 'same' });
  expect(next.address).not.toBe(address);
});

test('the one who waits gets the lease, ten of ten times: handed over and revoked in turn', async () => {
  const group = newGroup();
  // Without --force a revoked lease can be taken once it would have run out: a shorter one.
  const both = new Map(['a', 'b'].map((id) => [id, start(group, id, '--lease', '15s', '--stay')]));
  let { contenderId, fencingVersion } = await leaderOf(group);
  await both.get(contenderId === 'a' ? 'b' : 'a')?.says('waiting');
  for (let round = 0; round < 10; round += 1) {
    const version = String(fencingVersion);
    const order =
      round % 2 === 0
        ? ['hand-over']
        : ['revoke', '--fencing-version', version, '--reason', 'maintenance', ...(round % 4 === 1 ? ['--force'] : [])];
    const { code, output } = await asked('leader', ...order, '--group', group);
    expect(code, output).toBe(0);
    const before = fencingVersion;
    const next = await leaderOf(group, (later) => later > before);
    expect([next.contenderId, next.fencingVersion]).toEqual([contenderId === 'a' ? 'b' : 'a', before + 1]);
    ({ contenderId, fencingVersion } = next);
  }
});

test('a signal to the leader hands its term over, and it waits for its turn again', async () => {
  const group = newGroup();
  const leader = start(group, 'a', '--stay', '--hand-over-on', 'SIGUSR1', '--hand-over-to', 'c');
  const { fencingVersion } = await leaderOf(group);
  const others = ['b', 'c'].map((id) => start(group, id, '--hand-over-on', 'SIGUSR2'));
  for (const other of others) await other.says('waiting');
  for (const other of others) other.child.kill('SIGUSR2');
  await others[0]?.says('SIGUSR2: there is no term to hand over');
  leader.child.kill('SIGUSR1');
  const next = await leaderOf(group, (version) => version > fencingVersion);
  expect([next.contenderId, next.fencingVersion]).toEqual(['c', fencingVersion + 1]);
  expect(leader.output()).toContain(`SIGUSR1: handing term ${fencingVersion} over to c`);
  await leader.says('waiting: c leads');
  others[1]?.child.kill('SIGUSR2');
  const last = await leaderOf(group, (version) => version > next.fencingVersion);
  expect(['a', 'b']).toContain(last.contenderId);
  expect(await others[1]?.ended()).toBe(75);
});

test('a hand-over to a named successor passes over the others', async () => {
  const group = newGroup();
  start(group, 'a', '--stay');
  const { fencingVersion } = await leaderOf(group);
  for (const id of ['b', 'c']) await start(group, id, '--stay').says('waiting');
  expect(await asked('leader', 'hand-over', '--group', group, '--to', 'c')).toMatchObject({
    code: 0,
    output: expect.stringContaining(`a is asked to hand term ${fencingVersion} over to c`),
  });
  const next = await leaderOf(group, (version) => version > fencingVersion);
  expect(next.contenderId).toBe('c');
});
