import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { alive, family } from '../../support/processes.ts';
import { project } from '../../support/stack.ts';
import { inTerminal, terminalsAvailable } from '../../support/terminal/in-terminal.ts';
import { client, eventually, folder, gone, leaderOf, newGroup, run, signal } from '../leadership/tenure.ts';

/** As an installed package runs it. */
const tenure = join(project, 'cli/tenure');
const lease = ['--lease', '60s'];

const lead = (group: string, ...more: string[]) => run(tenure, ['lead', '-g', group, ...lease, ...more]);

/** `tenure lead …` as a line that is typed into a shell, which does the redirections. */
const typed = (script: string) => run('sh', ['-c', script]);

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
    const [sleeping = 0] = sleepers(family(leader.child.pid));
    signal(sleeping, 'SIGSTOP');
    await client().revoke(group, { fencingVersion, reason: 'test' });
    // Renewals of a lease of 60 s are 20 s apart; SIGKILL would take as long as the grace again.
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
  // The grandchild outlives its parent: its own process group, so that it is nobody's but that of process 1.
  const script =
    'setsid sh -c "sleep 0.2" & trap "exit 5" TERM; sleep 1; ps -eo stat=,args=; echo listed; while :; do sleep 0.1; done';
  const leader = run('unshare', [...asInit, tenure, 'lead', '-g', group, ...lease, 'sh', '-c', script]);
  await leader.says('listed');
  expect(leader.output()).not.toMatch(/^Z/m);
  const [, init = 0] = family(leader.child.pid);
  signal(init, 'SIGTERM');
  expect(await leader.ended()).toBe(5);
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
    const started = family(leader.child.pid);
    const { fencingVersion } = await term(group);
    for (const pid of killCommand ? sleepers(started) : []) signal(pid, 'SIGKILL');
    if (killLead) leader.child.kill('SIGKILL');
    await eventually('nobody leads', async () => (await term(group)).leader === null, 20_000);
    expect(sleepers(started)).toEqual([]);
    const next = lead(group, '--no-wait', 'true');
    expect(await next.ended()).toBe(0);
    expect((await term(group)).fencingVersion).toBe(fencingVersion + 1);
    await gone(started);
  });
});
