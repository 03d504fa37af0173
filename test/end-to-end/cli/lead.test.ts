import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { terms } from '../../../api/operations/leadership.ts';
import { alive, family, type Watched } from '../../support/processes.ts';
import { order, project } from '../../support/stack.ts';
import { inTerminal, terminalsAvailable } from '../../support/terminal/in-terminal.ts';
import { client, eventually, folder, gone, leaderOf, newGroup, run, signal } from '../leadership/tenure.ts';

/** As an installed package runs it. */
const tenure = join(project, 'cli/tenure');
const lease = ['--lease', '60s', '--renew-every', '1s'];

const lead = (group: string, ...more: string[]) => run(tenure, ['lead', '-g', group, ...lease, ...more]);

/** `tenure lead …` as a line that is typed into a shell, which does the redirections. */
const typed = (script: string) => run('sh', ['-c', script]);

/** The processes of a `tenure lead` once that many of them are the command: a shell takes its time to start them. */
const withSleepers = (leader: Watched, count: number) =>
  eventually(`${count} commands run`, () => {
    const started = family(leader.child.pid);
    return sleepers(started).length >= count && started;
  });

/** Those of the processes that are the command `sleep 600`, not the `lead` that names it. */
function sleepers(pids: number[]): number[] {
  const lines = alive(pids).filter((line) => line.includes('sleep 600') && !line.includes('tenure'));
  return lines.map((line) => Number.parseInt(line, 10));
}

const term = async (group: string) => client().observe(group, { consistent: true });

describe('the command', () => {
  test('keeps the options behind it, without --', async () => {
    const leader = lead(newGroup(), 'sh', '-c', 'echo "$0 $*"', '--json', '--stay', '--', '-x');
    expect(await leader.ended()).toBe(0);
    expect(leader.output()).toContain('--json --stay -- -x\n');
  });

  test('that cannot be run fails before a lease is taken', async () => {
    const group = newGroup();
    const missing = lead(group, 'no-such-program');
    expect(await missing.ended()).toBe(127);
    expect(missing.output()).toContain(
      'Cannot run "no-such-program": no such program in PATH. No lease was requested.',
    );
    const file = join(folder(), 'text');
    writeFileSync(file, '');
    expect(await lead(group, file).ended()).toBe(126);
    const inFolder = lead(group, folder());
    expect(await inFolder.ended()).toBe(126);
    expect(inFolder.output()).toContain('is a folder: give a program');
    expect(await term(group)).toMatchObject({ fencingVersion: 0 });
  });

  test('inherits the standard streams and no other descriptor, except one that is named', async () => {
    const list = 'ls /proc/self/fd | tr "\\n" " "';
    const script = `exec 40</dev/null 200</dev/null; exec bash -c 'exec "$@"' - ${tenure} lead -g ${newGroup()} sh -c '${list}'`;
    const leader = run('bash', ['-c', script]);
    expect(await leader.ended()).toBe(0);
    expect(leader.output()).toMatch(/^0 1 2 3 (?!\d+ )/m);
    const named = run('bash', ['-c', `exec ${tenure} lead -g ${newGroup()} cat <(echo substituted)`]);
    expect(await named.ended()).toBe(0);
    expect(named.output()).toContain('substituted\n');
  });

  test('that was stopped ends with SIGTERM when the term is revoked', async () => {
    const group = newGroup();
    const leader = lead(group, '--grace', '60s', 'sleep', '600');
    const { fencingVersion } = await leaderOf(group);
    const [sleeping = 0] = sleepers(await withSleepers(leader, 1));
    signal(sleeping, 'SIGSTOP');
    await client().revoke(group, { fencingVersion, reason: 'test' });
    // SIGKILL would take as long as the grace.
    expect(await leader.ended()).toBe(75);
  });
});

describe('waiting for the lease', () => {
  test('--no-wait asks once, --wait for a while: both end with 75 and say who leads', async () => {
    const group = newGroup();
    lead(group, '--id', 'first', 'sleep', '600');
    await leaderOf(group);
    const once = lead(group, '--no-wait', 'true');
    expect(await once.ended()).toBe(75);
    expect(once.output()).toContain(
      `first leads ${group} with fencing version 1; not waiting for the lease (--no-wait).`,
    );
    const patient = lead(group, '--wait', '1s', 'true');
    expect(await patient.ended()).toBe(75);
    expect(patient.output()).toContain('gave up after 1.0 s (--wait).');
    expect(await lead(newGroup(), '--no-wait', 'true').ended()).toBe(0);
  });
});

test('a time to wait beyond 2^31 ms is waited for', async () => {
  const group = newGroup();
  lead(group, 'sleep', '600');
  await leaderOf(group);
  const patient = lead(group, '--wait', '40d', 'true');
  await patient.says('waiting: ');
  patient.child.kill('SIGTERM');
  expect(await patient.ended()).toBe(143);
});

test('with --stay it waits out a 403, which a deployment can cause for a moment; without, it ends with 77', async () => {
  const stack = inject('stack');
  const [patient, hasty] = [newGroup(), newGroup()];
  const refuse = (group: string) => ({ status: 403, times: 2, method: 'POST', path: `/v1/groups/${group}/` });
  expect((await order(stack, 'inject', [refuse(patient), refuse(hasty)])).status).toBe(200);
  const refused = lead(hasty, 'true');
  expect(await refused.ended()).toBe(77);
  const leader = lead(patient, '--stay', 'sleep', '600');
  await leader.says('confirmed');
  expect(leader.output()).toContain('Forbidden');
});

describe('signals', () => {
  test('nohup is honoured: a hang-up ends neither lead nor its command', async () => {
    const group = newGroup();
    const leader = typed(`nohup ${tenure} lead -g ${group} --lease 60s sleep 600 2>&1`);
    await leaderOf(group);
    const node = alive(family(leader.child.pid)).find((line) => line.includes('tenure.mjs')) ?? '';
    signal(Number.parseInt(node, 10), 'SIGHUP');
    signal(Number.parseInt(node, 10), 'SIGUSR2');
    await leader.says('the command was ended by SIGUSR2');
    expect(leader.output()).not.toContain('SIGHUP');
  });

  test('a command that ignores a signal is waited for, and lead says so', async () => {
    const leader = lead(newGroup(), 'sh', '-c', 'trap "" INT; echo ready; while :; do sleep 0.1; done');
    await leader.says('ready');
    leader.child.kill('SIGINT');
    await leader.says('the command received SIGINT and still runs: waiting for it to end (kill -KILL -');
    leader.child.kill('SIGTERM');
    expect(await leader.ended()).toBe(143);
  });

  test('the end of its log reader does not end it, and log lines carry the time', async () => {
    const group = newGroup();
    const done = join(folder(), 'done');
    const first = join(folder(), 'first');
    const leader = typed(
      `{ ${tenure} lead -g ${group} --lease 60s sh -c 'sleep 2; echo works > ${done}' 2>&1; echo $? > ${done}.code; } | head -1 > ${first}; sleep 600`,
    );
    await eventually('it continues', () => existsSync(`${done}.code`));
    expect(readFileSync(done, 'utf8')).toBe('works\n');
    expect(readFileSync(`${done}.code`, 'utf8')).toBe('0\n');
    expect(readFileSync(first, 'utf8')).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z tenure: \S+: leading with fencing version 1\n$/,
    );
    expect(leader.child.exitCode).toBeNull();
  });

  test.runIf(terminalsAvailable)('input typed in a terminal is for the command to read', async () => {
    const streams = { stdin: 'terminal', stdout: 'terminal', stderr: 'terminal' } as const;
    const env = { ...process.env, TENURE_URL: inject('stack').api };
    const asking = ['sh', '-c', 'echo ready; read answer; echo "got $answer"'];
    const leader = inTerminal([tenure, 'lead', '-g', newGroup(), ...lease, ...asking], { streams, env });
    onTestFinished(() => leader.kill());
    await leader.says('ready');
    leader.type('an answer\n');
    await leader.says('got an answer');
    expect(await leader.ended()).toMatchObject({ code: 0 });
  });

  test.runIf(terminalsAvailable)('Ctrl-C in a terminal reaches the command, whose end is reported', async () => {
    const streams = { stdin: 'terminal', stdout: 'terminal', stderr: 'terminal' } as const;
    const env = { ...process.env, TENURE_URL: inject('stack').api };
    const leader = inTerminal([tenure, 'lead', '-g', newGroup(), 'sleep', '600'], { streams, env });
    onTestFinished(() => leader.kill());
    await leader.says('confirmed');
    leader.type('\x03');
    expect(await leader.ended()).toMatchObject({ code: 130 });
    expect(leader.screen()).toContain('the command was ended by SIGINT');
  });
});

const asInit = ['--user', '--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child'];

function namespacesAvailable(): boolean {
  try {
    execFileSync('unshare', [...asInit, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test.runIf(namespacesAvailable())('as process 1 it waits for orphans and passes signals on', async () => {
  const group = newGroup();
  // The orphan outlives its parent, in a session of its own: it is nobody's but that of process 1.
  const script = [
    'trap "exit 5" TERM',
    "orphan=$(setsid sh -c 'sleep 0.3 >/dev/null & echo $!')",
    'while [ -e /proc/$orphan ]; do sleep 0.1; done',
    'echo the orphan is gone',
    'while :; do sleep 0.1; done',
  ].join('\n');
  const leader = run('unshare', [...asInit, tenure, 'lead', '-g', group, ...lease, 'sh', '-c', script]);
  await leader.says('the orphan is gone');
  const [, init = 0] = family(leader.child.pid);
  signal(init, 'SIGTERM');
  expect(await leader.ended()).toBe(5);
});

describe.runIf(process.getuid?.() === 0 && existsSync('/usr/bin/setpriv'))('a command of another user', () => {
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const other = ['--reuid=1', '--regid=1', '--clear-groups'];

  /** `lead` runs as one user and, as with sudo, its command as another, until `go` exists. */
  async function leading() {
    const group = newGroup();
    const place = folder();
    chmodSync(place, 0o777);
    const [become, go, over] = ['become', 'go', 'over'].map((name) => join(place, name)) as [string, string, string];
    copyFileSync('/usr/bin/setpriv', become);
    chmodSync(become, 0o4755);
    const work = `echo works; until [ -e ${go} ]; do sleep 0.1; done; echo > ${over}`;
    const command = [become, ...other, 'sh', '-c', work];
    const leader = run('env', [
      ...[`HOME=${place}`, 'setpriv', ...nobody, process.execPath, join(project, 'cli/tenure.mjs'), 'lead'],
      ...['-g', group, ...lease, '--grace', '100ms', ...command],
    ]);
    onTestFinished(() => writeFileSync(go, ''));
    await leader.says('works');
    await leaderOf(group);
    return { group, leader, go, over };
  }

  test('is told from one that has ended: it is waited for, and lead says why', async () => {
    const { group, leader, go, over } = await leading();
    leader.child.kill('SIGTERM');
    await leader.says('SIGTERM cannot be passed on: the command runs as another user');
    await client().revoke(group, { fencingVersion: 1, reason: 'test' });
    await leader.says('the command runs as another user and cannot be killed: waiting for it to end');
    expect(existsSync(over)).toBe(false);
    writeFileSync(go, '');
    expect(await leader.ended()).toBe(75);
    expect(existsSync(over)).toBe(true);
  });

  test('keeps the guard of a killed lead from giving the lease back before it has ended', async () => {
    const { group, leader, go, over } = await leading();
    leader.child.kill('SIGKILL');
    // The command still has its output.
    await gone([leader.child.pid ?? 0]);
    expect((await term(group)).leader).not.toBeNull();
    writeFileSync(go, '');
    await eventually('nobody leads', async () => (await term(group)).leader === null, 45_000);
    expect(existsSync(over)).toBe(true);
  });
});

describe('after SIGKILL the lease is given back at once', () => {
  test.each([
    ['lead', true, false],
    ['the command', false, true],
    ['both', true, true],
  ])('of %s', async (_, killLead, killCommand) => {
    const group = newGroup();
    const leader = lead(group, 'sh', '-c', 'sleep 600 & sleep 600');
    await leaderOf(group);
    const started = await withSleepers(leader, 2);
    const { fencingVersion } = await term(group);
    for (const pid of killCommand ? sleepers(started) : []) signal(pid, 'SIGKILL');
    if (killLead) leader.child.kill('SIGKILL');
    await eventually('nobody leads', async () => (await term(group)).leader === null, 45_000);
    expect(sleepers(started)).toEqual([]);
    const next = lead(group, '--no-wait', 'true');
    expect(await next.ended()).toBe(0);
    expect((await term(group)).fencingVersion).toBe(fencingVersion + 1);
    const { items } = await client().call(terms, { params: { group }, query: {} });
    const ended = items.find((one) => one.fencingVersion === fencingVersion);
    if (killLead) expect(ended).toMatchObject({ endDetail: expect.stringContaining('its guard resigned') });
    await gone(started);
  });
});
