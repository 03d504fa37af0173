import { expect, test } from 'vitest';
import type { Watched } from '../../support/processes.ts';
import { asked, client, leaderOf, newGroup, tenure } from './tenure.ts';

const start = (group: string, id: string, ...more: string[]): Watched =>
  tenure('lead', '--group', group, '--id', id, '--lease', '6s', ...more, '--', 'sleep', '600');

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
  const both = new Map(['a', 'b'].map((id) => [id, start(group, id, '--stay')]));
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
