import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { alive, family } from '../../support/processes.ts';
import { client, eventually, folder, gone, leaderOf, newGroup, run, said, tenure } from './tenure.ts';

/** A lease that no busy machine loses, and renewals so often that a revocation is heard at once. */
const lead = (group: string, ...more: string[]) =>
  tenure('lead', '--group', group, '--lease', '60s', '--renew-every', '1s', '--hand-over-poll', '500ms', ...more);

/** The processes below a `tenure lead`, once there are so many: a shell takes its time to start others. */
const familyOf = ({ child }: { child: { pid?: number | undefined } }, atLeast: number) =>
  eventually(`it has ${atLeast} processes`, () => {
    const found = family(child.pid);
    return alive(found).length >= atLeast && found;
  });

describe("the command's environment and its end", () => {
  test('its environment is the term, its exit code is that of tenure lead, and the lease is given back', async () => {
    const group = newGroup();
    const out = join(folder(), 'env');
    const { code } = await said(
      'lead',
      '--group',
      group,
      '--address',
      'here:1',
      '--',
      'sh',
      '-c',
      `env > ${out}; exit 7`,
    );
    expect(code).toBe(7);
    const env = readFileSync(out, 'utf8').split('\n');
    expect(env).toContain(`TENURE_GROUP=${group}`);
    expect(env).toContain('TENURE_FENCING_VERSION=1');
    expect(env).toContain(`TENURE_URL=${inject('stack').api}`);
    const session = env.find((line) => line.startsWith('TENURE_SESSION_ID='))?.split('=')[1] ?? '';
    await expect(client().renew(group, { fencingVersion: 1, sessionId: session }, {})).rejects.toMatchObject({
      members: { reason: 'resigned' },
    });
    expect(await client().observe(group, { consistent: true })).toMatchObject({ leader: null, fencingVersion: 1 });
  });

  test('a command ended by a signal, and one that does not exist', async () => {
    expect((await said('lead', '--group', newGroup(), '--', 'sh', '-c', 'kill -9 $$')).code).toBe(137);
    const missing = await said('lead', '--group', newGroup(), '--restart', '--', 'no-such-command');
    expect(missing.code).toBe(127);
    expect(missing.output).toContain('no such program in PATH');
  });

  test('the address defaults to host and process id', async () => {
    const group = newGroup();
    const leader = lead(group, '--', 'sleep', '600');
    expect((await leaderOf(group)).address).toMatch(new RegExp(`:${leader.child.pid}$`));
  });

  test('with --ready-file it is confirmed once the file appears, whatever an earlier run left', async () => {
    const group = newGroup();
    const ready = join(folder(), 'ready');
    writeFileSync(ready, 'of an earlier run');
    lead(group, '--ready-file', ready, '--', 'sleep', '600');
    await eventually('the lease is granted', async () => (await client().observe(group, { consistent: true })).pending);
    await eventually('the old file is removed', () => !existsSync(ready));
    expect(await client().observe(group, { consistent: true })).toMatchObject({ leader: null, pending: true });
    writeFileSync(ready, '');
    await leaderOf(group);
  });
});

describe('how it ends', () => {
  test('signals reach the command, whose answer counts', async () => {
    const group = newGroup();
    const script = 'trap "echo hup" HUP; trap "echo term; exit 5" TERM; echo it begins; while :; do sleep 0.05; done';
    const leader = lead(group, '--', 'sh', '-c', script);
    await leader.says('it begins');
    leader.child.kill('SIGHUP');
    await leader.says('hup');
    leader.child.kill('SIGTERM');
    expect(await leader.ended()).toBe(5);
    expect((await client().observe(group, { consistent: true })).leader).toBeNull();
  });

  test('a signal that asks for the end while it waits for another ends it with 128 + N, others do not', async () => {
    const group = newGroup();
    lead(group, '--', 'sleep', '600');
    await leaderOf(group);
    const waiting = lead(group, '--', 'sleep', '600');
    await waiting.says('waiting: ');
    for (const harmless of ['SIGWINCH', 'SIGUSR1', 'SIGUSR2'] as const) waiting.child.kill(harmless);
    waiting.child.kill('SIGTERM');
    expect(await waiting.ended()).toBe(143);
  });

  test('revoked: the whole process group gets SIGTERM, after the grace SIGKILL, and it exits with 75', async () => {
    const group = newGroup();
    // A child that does not listen, of a child that ends.
    const stubborn = "sh -c 'trap : TERM; echo stubborn; while :; do sleep 0.05; done' & sleep 600";
    const leader = lead(group, '--grace', '500ms', '--', 'sh', '-c', stubborn);
    await leader.says('stubborn');
    const { fencingVersion } = await leaderOf(group);
    const started = await familyOf(leader, 5);
    await client().revoke(group, { fencingVersion, reason: 'maintenance' });
    expect(await leader.ended()).toBe(75);
    expect(leader.output()).toContain('lost leadership (revoked)');
    await gone(started);
  });

  test('killed with SIGKILL, it takes the command with it', async () => {
    const group = newGroup();
    const leader = lead(group, '--', 'sh', '-c', 'sleep 600 & sleep 6000');
    await leaderOf(group);
    const started = await familyOf(leader, 5);
    leader.child.kill('SIGKILL');
    await gone(started);
  });

  test('processes that a command leaves behind when it ends are stopped, too', async () => {
    const group = newGroup();
    const pidFile = join(folder(), 'pid');
    const leader = lead(group, '--', 'sh', '-c', `sleep 600 > /dev/null 2>&1 & echo $! > ${pidFile}; exit 0`);
    expect(await leader.ended()).toBe(0);
    await gone([Number(readFileSync(pidFile, 'utf8'))]);
  });
});

describe('contending again', () => {
  test('--stay after a loss', async () => {
    const group = newGroup();
    // As the only contender it leads again once it is not barred any more, a lease later.
    const stay = ['--lease', '10s', '--stay'];
    const leader = lead(group, ...stay, '--', 'sh', '-c', 'echo "works under $TENURE_FENCING_VERSION"; sleep 600');
    await leader.says('works under 1');
    await client().revoke(group, { fencingVersion: 1, reason: 'test', force: true });
    await leader.says('works under 2');
    leader.child.kill('SIGTERM');
    expect(await leader.ended()).toBe(143);
  });

  test('--restart after the command ended, under a new term', async () => {
    const group = newGroup();
    const leader = lead(group, '--restart', '--', 'sh', '-c', 'echo "works under $TENURE_FENCING_VERSION"; exit 3');
    await leader.says('works under 2');
    leader.child.kill('SIGTERM');
    expect([3, 143]).toContain(await leader.ended());
  });
});

test('--json reports every step as one line of JSON on standard error', async () => {
  const group = newGroup();
  const gate = join(folder(), 'go');
  const command = `until [ -e ${gate} ]; do sleep 0.05; done; echo done`;
  const leader = tenure('lead', '--group', group, '--json', '--', 'sh', '-c', command);
  await leader.says('"confirmed"');
  writeFileSync(gate, '');
  expect(await leader.ended()).toBe(0);
  const lines = leader.output().trim().split('\n');
  expect(lines).toContain('done');
  const events = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  expect(events.map(({ event }) => event)).toEqual(['granted', 'confirmed', 'ended']);
  expect(events[0]).toMatchObject({ group, fencingVersion: 1, sessionId: expect.any(String) });
});

test('a wrong command line ends with 64, a service that cannot be reached with 69', async () => {
  const wrong = await said('lead', '--group', 'a b', '--', 'true');
  expect(wrong).toMatchObject({ code: 64, output: expect.stringContaining('--group is "a b"') });
  const unreachable = await said('lead', '--group', 'g', '--lease', '2s', '--url', 'http://127.0.0.1:9', '--', 'true');
  expect(unreachable).toMatchObject({ code: 69, output: expect.stringContaining('cannot be reached') });
});

test('npx finds it in the clone, passes its exit code on, and takes it with it when it is asked to end', async () => {
  const viaNpx = run('npx', ['tenure', 'lead', '--group', newGroup(), '--', 'sh', '-c', 'exit 9']);
  expect(await viaNpx.ended()).toBe(9);

  const group = newGroup();
  const script = 'trap "echo term; exit 5" TERM; echo it begins; while :; do sleep 0.05; done';
  const ended = run('npx', ['tenure', 'lead', '--group', group, '--', 'sh', '-c', script]);
  await ended.says('it begins');
  const started = family(ended.child.pid);
  ended.child.kill('SIGTERM');
  await gone(started);
  await ended.ended();
  expect(ended.output()).toContain('term');
  expect((await client().observe(group, { consistent: true })).leader).toBeNull();
});
