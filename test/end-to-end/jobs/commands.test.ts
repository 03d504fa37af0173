import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { fireSchedule } from '../../support/stack.ts';
import { json, leading, said, tenure } from '../leadership/command-line.ts';
import { client, eventually, folder, newGroup, run } from '../leadership/tenure.ts';

/** With the first minute of an hour comes what is due hourly. */
const fire = (slot: string) => fireSchedule(inject('stack'), /minute/, { slot });

test('a job from its submission to its clean-up, told to people and to programs', async () => {
  const files = folder();
  const file = (name: string, content: string | Uint8Array = name) => {
    writeFileSync(join(files, name), content);
    return join(files, name);
  };
  const leader = await leading();
  expect(await said(leader, 'job', 'ls')).toMatch(/no jobs in .*: tenure job submit makes one/);
  const submit = ['job', 'submit', 'nightly', '--graph', file('graph'), '--retain', '2', '--metadata', '{"by":"ops"}'];
  expect(await said(leader, ...submit)).toBe('job nightly is submitted in term 1\n');
  expect(await said(leader, 'checkpoint', 'add', 'nightly', file('one'))).toMatch(/^checkpoint 1 of nightly is/);
  const state = randomBytes(300_000);
  expect(await json(leader, 'checkpoint', 'add', 'nightly', file('two', state), '--metadata', '{"n":2}')).toEqual({
    jobId: 'nightly',
    checkpointId: 2,
    retained: [1, 2],
  });
  expect(await json(leader, 'checkpoint', 'add', 'nightly', file('kept'), '--savepoint')).toMatchObject({
    checkpointId: 3,
  });

  expect(await said(leader, 'job', 'ls')).toMatch(/^JOB +STATE .*\nnightly +ACTIVE +1 +2 +293\.0 KiB/);
  expect(await said(leader, 'job', 'show', 'nightly')).toMatch(/checkpoints +1 \(3 B\), 2 \(293\.0 KiB\); 2 are kept/);
  expect(await said(leader, 'checkpoint', 'latest', 'nightly')).toMatch(/^checkpoint +2\n/);
  expect((await json(leader, 'checkpoint', 'ls', 'nightly')).map((one: { metadata?: object }) => one.metadata)).toEqual(
    [undefined, { n: 2 }, undefined],
  );
  const fetched = join(files, 'fetched');
  expect(await json(leader, 'checkpoint', 'get', 'nightly', '--output', fetched)).toMatchObject({ file: fetched });
  expect(readFileSync(fetched).equals(state)).toBe(true);
  await said(leader, 'checkpoint', 'get', 'nightly', '3', '--output', fetched);
  expect(readFileSync(fetched, 'utf8')).toBe('kept');

  const recovered = await json(leader, 'recover', '--to', join(files, 'jobs'));
  expect(recovered).toMatchObject({ jobs: [{ jobId: 'nightly', checkpoint: { checkpointId: 2 } }], damaged: [] });
  expect(readFileSync(join(files, 'jobs/nightly/graph'), 'utf8')).toBe('graph');
  expect(readFileSync(join(files, 'jobs/nightly/checkpoint')).equals(state)).toBe(true);

  expect(await said(leader, 'checkpoint', 'discard', 'nightly', '--savepoint', '3')).toBe('savepoint 3 is discarded\n');
  expect(await said(leader, 'checkpoint', 'discard', 'nightly', '--all')).toMatch(/^2 checkpoints of nightly/);
  expect((await tenure(leader, 'checkpoint', 'get', 'nightly')).code).toBe(1);
  expect(await said(leader, 'job', 'finish', 'nightly', '--result', 'failed', '--detail', 'out of disk')).toBe(
    'job nightly is finished: failed\n',
  );
  expect((await json(leader, 'recover')).jobs).toEqual([]);
  expect(await json(leader, 'collect', '--dry-run')).toMatchObject({
    dryRun: true,
    collected: [],
    graceMs: 86_400_000,
  });
  expect(await said(leader, 'collect')).toMatch(/^none of \d+ payloads is an orphan that is older than 24 h\n$/);
  await fire('2026-01-01T00:01:00Z');
  await eventually(
    'the clean-up has run',
    async () => (await json(leader, 'job', 'show', 'nightly')).state === 'CLEANED',
  );
  expect(await json(leader, 'collect')).toMatchObject({ scanned: 0 });
  await fire('2026-01-01T01:00:00Z');
  expect(await json(leader, 'job', 'ls', '--state', 'CLEANED')).toMatchObject([
    { jobId: 'nightly', result: 'failed', detail: 'out of disk' },
  ]);
});

test('a deposed leader is told by the exit code, and a command line that is wrong by another one', async () => {
  const leader = await leading();
  const graph = join(folder(), 'graph');
  writeFileSync(graph, 'graph');
  await said(leader, 'job', 'submit', 'job', '--graph', graph);
  await client().revoke(leader['TENURE_GROUP'] ?? '', { fencingVersion: 1, reason: 'test', force: true });
  const next = await eventually('another one leads', () => leading(leader['TENURE_GROUP']).catch(() => undefined));
  await said(next, 'recover');
  for (const argv of [
    ['job', 'submit', 'another', '--graph', graph],
    ['job', 'finish', 'job'],
    ['checkpoint', 'add', 'job', graph],
    ['checkpoint', 'discard', 'job', '--all'],
    ['recover'],
  ]) {
    const { code, out, err } = await tenure(leader, ...argv);
    expect({ code, out }, argv.join(' ')).toEqual({ code: 75, out: '' });
    expect(err).toMatch(/^tenure: (Job "job" of group|Term 1 of group)/);
  }
  const noLeader = { TENURE_GROUP: leader['TENURE_GROUP'] ?? '' };
  for (const argv of [
    ['job', 'submit', 'job', '--graph', join(graph, 'nowhere')],
    ['job', 'submit', 'job', '--graph', graph, '--retain', '257'],
    ['job', 'submit', 'job', '--graph', graph, '--metadata', '[]'],
    ['checkpoint', 'discard', 'job'],
    ['checkpoint', 'get', 'job', 'first'],
    ['job', 'finish', 'job', '--result', 'done'],
  ])
    expect((await tenure(next, ...argv)).code, argv.join(' ')).toBe(64);
  expect((await tenure(noLeader, 'job', 'finish', 'job')).err).toContain('run it under tenure lead');
});

test('a producer that fails, and an empty input, replace nothing', async () => {
  const files = folder();
  const leader = await leading();
  writeFileSync(join(files, 'graph'), 'graph');
  writeFileSync(join(files, 'empty'), '');
  await said(leader, 'job', 'submit', 'job', '--graph', join(files, 'graph'));
  const add = (...argv: string[]) => tenure(leader, 'checkpoint', 'add', 'job', ...argv);
  expect((await add('--', 'printf', 'good')).code).toBe(0);

  const half = await add('--', 'sh', '-c', 'printf half; exit 3');
  expect(half).toMatchObject({ code: 1, err: 'tenure: "sh" exited with 3; nothing was committed.\n' });
  expect(await add('--', 'true')).toMatchObject({
    code: 1,
    err: expect.stringContaining('The output of "true" is empty'),
  });
  expect(await add()).toMatchObject({ code: 1, err: expect.stringContaining('Standard input is empty') });
  expect(await add(join(files, 'empty'))).toMatchObject({ code: 1, err: expect.stringContaining('is empty') });
  expect(await add('--', 'no-such-command')).toMatchObject({ code: 1, err: expect.stringContaining('cannot be run') });
  for (const wrong of [['a', 'b'], ['a', '--', 'b'], ['--']]) expect((await add(...wrong)).code).toBe(64);
  expect(await json(leader, 'checkpoint', 'latest', 'job')).toMatchObject({ checkpointId: 1, bytes: 4 });

  expect((await add('--allow-empty')).code).toBe(0);
  expect(await json(leader, 'checkpoint', 'latest', 'job')).toMatchObject({ checkpointId: 2, bytes: 0 });
  const submit = ['job', 'submit', 'job', '--graph', join(files, 'empty')];
  expect(await tenure(leader, ...submit)).toMatchObject({ code: 1, err: expect.stringContaining('is empty') });
  expect((await tenure(leader, ...submit, '--allow-empty')).code).toBe(0);
});

test('a file that cannot be written is refused in the words of the user', async () => {
  const leader = await leading();
  const graph = join(folder(), 'graph');
  writeFileSync(graph, 'graph');
  await said(leader, 'job', 'submit', 'job', '--graph', graph);
  await said(leader, 'checkpoint', 'add', 'job', graph);
  for (const [output, why] of [
    [join(graph, 'below'), 'ENOTDIR'],
    [join(folder(), 'no', 'folder'), 'ENOENT'],
    [folder(), 'is a directory'],
  ] as const) {
    const { code, err } = await tenure(leader, 'checkpoint', 'get', 'job', '--output', output);
    expect({ code, err }).toEqual({ code: 64, err: expect.stringContaining(why) });
    expect(err).toContain(`"${output}" cannot be written (`);
  }
});

test('transfers show how far they are on a terminal, and nothing of it elsewhere', async () => {
  const group = newGroup();
  const files = folder();
  const tenureIn = 'node cli/tenure.mjs';
  const script = join(files, 'work.sh');
  writeFileSync(
    script,
    [
      'set -e',
      `printf graph | ${tenureIn} job submit nightly --graph - --group ${group}`,
      `head -c 40000000 /dev/zero | ${tenureIn} checkpoint add nightly - --group ${group}`,
      `${tenureIn} checkpoint get nightly --output ${files}/state --group ${group}`,
      `head -c 9000000 /dev/zero | ${tenureIn} checkpoint add nightly - --group ${group} --json >${files}/json`,
    ].join('\n'),
  );
  const lead = `${tenureIn} lead --group ${group} --id one --lease 60s -- sh ${script}`;
  const terminal = run('script', ['--quiet', '--return', '--command', `stty cols 100 rows 40; ${lead}`, '/dev/null']);
  expect(await terminal.ended(), terminal.output()).toBe(0);
  const shown = terminal.output();
  expect(shown).toContain('\u001b[');
  for (const what of ['graph of nightly', 'state of nightly', 'checkpoint 1 of nightly']) {
    expect(shown).toMatch(new RegExp(`[\u2800-\u28ff].*${what}`));
    expect(shown, 'the result alone stays').not.toContain(`${what}: done`);
  }
  expect(shown).toMatch(/state of nightly: \d+\.\d MiB, \S+ \S+\/s/);
  expect(shown).toContain('checkpoint 1 of nightly is committed');
  expect(readFileSync(join(files, 'json'), 'utf8')).toBe('{"jobId":"nightly","checkpointId":2,"retained":[2]}\n');
  // With --json nothing of its progress is shown, although standard error is the terminal.
  const [, after] = shown.split(`checkpoint 1 is in ${files}/state`);
  expect(after?.trim().split('Z ').at(-1)).toBe(`tenure: ${group}: the command exited with 0`);
  expect(existsSync(`${files}/state.partial`)).toBe(false);
  expect(execFileSync('sh', ['-c', `tr -d '\\0' <${files}/state | wc -c`], { encoding: 'utf8' }).trim()).toBe('0');
});
