import { expect, test } from 'vitest';
import { asked, client, leaderOf, newGroup, tenure } from './tenure.ts';

const json = async (...argv: string[]) => {
  const { output, code } = await asked(...argv, '--json');
  expect(code, output).toBe(0);
  return JSON.parse(output);
};

test('show, terms and groups tell the same as text and as JSON', async () => {
  const group = newGroup();
  for (const typo of [
    ['leader', 'show'],
    ['job', 'ls'],
  ]) {
    const refused = await asked(...typo, '--group', group);
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('has never been led') });
  }
  expect(await client().observe(group)).toMatchObject({ leader: null, fencingVersion: 0 });
  expect((await asked('leader', 'terms', '--group', group)).output).toContain('no term');

  const leader = tenure(
    'lead',
    '--group',
    group,
    '--id',
    'one',
    '--address',
    'here:1',
    '--lease',
    '60s',
    '--',
    'sleep',
    '600',
  );
  const { sessionId } = await leaderOf(group);
  const shown = await asked('leader', 'show', '--group', group);
  expect(shown.output).toMatch(/leader +one\n/);
  expect(shown.output).toMatch(/address +here:1\n/);
  expect(await json('leader', 'show', '--group', group, '--consistent')).toMatchObject({
    group,
    fencingVersion: 1,
    pending: false,
    leader: { contenderId: 'one', sessionId },
  });
  expect(await json('groups')).toContainEqual(expect.objectContaining({ group, fencingVersion: 1 }));
  expect((await asked('groups')).output).toContain(group);

  leader.child.kill('SIGTERM');
  await leader.ended();
  expect(await json('leader', 'terms', '--group', group)).toMatchObject([
    { fencingVersion: 1, contenderId: 'one', address: 'here:1', sessionId },
  ]);
  const terms = (await asked('leader', 'terms', '--group', group)).output.split('\n');
  expect(terms[0]).toMatch(/^VERSION +CONTENDER +ADDRESS/);
  expect(terms[1]).toMatch(/^ +1 +one +here:1/);
});

test('watch prints a line for every change of the leader and no line for renewals', async () => {
  const group = newGroup();
  const watcher = tenure('leader', 'watch', '--group', group, '--every', '100ms', '--json');
  await watcher.says('"leader":null');
  const lead = (id: string) =>
    tenure('lead', '--group', group, '--id', id, '--lease', '60s', '--renew-every', '1s', '--', 'sleep', '600');
  const first = lead('one');
  await watcher.says('"contenderId":"one"');
  first.child.kill('SIGTERM');
  await first.ended();
  const second = lead('two');
  await watcher.says('"contenderId":"two"');
  watcher.child.kill('SIGINT');
  expect(await watcher.ended()).toBe(0);
  const views = watcher
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { fencingVersion: number; leader: { contenderId: string } | null });
  const confirmed = views.flatMap(({ leader, fencingVersion }) =>
    leader ? [[leader.contenderId, fencingVersion]] : [],
  );
  expect(confirmed).toEqual([
    ['one', 1],
    ['two', 2],
  ]);
  second.child.kill('SIGTERM');
  await second.ended();
});

test('revoke: a dry run changes nothing, a wrong version is refused, the right one ends the term', async () => {
  const group = newGroup();
  const lease = ['--lease', '60s', '--renew-every', '1s'];
  const leader = tenure('lead', '--group', group, '--id', 'one', ...lease, '--', 'sleep', '600');
  await leaderOf(group);
  const revoke = (version: string, ...more: string[]) =>
    asked('leader', 'revoke', '--group', group, '--fencing-version', version, '--reason', 'moving house', ...more);

  expect(await revoke('1', '--dry-run')).toMatchObject({
    code: 0,
    output: expect.stringContaining('would be revoked'),
  });
  expect((await client().observe(group, { consistent: true })).leader).not.toBeNull();
  expect((await revoke('7')).code).toBe(75);
  expect((await revoke('x')).code).toBe(64);
  expect(await revoke('1')).toMatchObject({ code: 0, output: expect.stringContaining('term 1 of one was revoked') });
  expect(await leader.ended()).toBe(75);
  expect(leader.output()).toContain('moving house');
  expect((await asked('leader', 'show', '--group', group)).output).toContain('nobody leads');
});

test('doctor finds everything in order here, and says what is not elsewhere', async () => {
  const findings = await json('doctor');
  expect(findings.map(({ check }: { check: string }) => check)).toEqual([
    'node',
    'java',
    'address',
    'service',
    'clock',
  ]);
  expect(findings.every(({ status }: { status: string }) => status === 'ok')).toBe(true);
  const elsewhere = await asked('doctor', '--url', 'http://127.0.0.1:9');
  expect(elsewhere.code).toBe(69);
  expect(elsewhere.output).toMatch(/FAILED +service/);
});
