import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { client, eventually, folder, leaderOf, newGroup, said, tenure } from './tenure.ts';

/** A lease that no busy machine loses, and looks so often that nobody waits for a third of it. */
const held = ['--lease', '60s', '--hand-over-poll', '300ms'];

test('a lock runs its command with a fencing version, ends with its exit code, and is given back', async () => {
  const name = newGroup();
  const script = 'echo "$TENURE_GROUP $TENURE_FENCING_VERSION $(printf %s "$TENURE_SESSION_ID" | wc -c) $1"; exit 7';
  const first = await said('lock', name, ...held, '--', 'sh', '-c', script, 'sh', '--json');
  expect(first).toMatchObject({ code: 7, output: expect.stringContaining(`${name} 1 36 --json\n`) });
  const second = await said('lock', name, ...held, '--', 'sh', '-c', script);
  expect(second.output).toContain(`${name} 2 36`);
});

test('of many that hold a lock in turn, no two run at the same time, and each has a higher version', async () => {
  const name = newGroup();
  const log = join(folder(), 'log');
  writeFileSync(log, '');
  const script = `echo "begin $TENURE_FENCING_VERSION" >> ${log}; sleep 0.2; echo "end $TENURE_FENCING_VERSION" >> ${log}`;
  const runs = [1, 2, 3].map(() => tenure('lock', name, ...held, '--', 'sh', '-c', script));
  expect(await Promise.all(runs.map((one) => one.ended()))).toEqual([0, 0, 0]);
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  expect(lines).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
});

test('a held lock ends --no-wait and --wait with 75, and names its holder', async () => {
  const name = newGroup();
  tenure('lock', name, ...held, '--id', 'the-holder', '--', 'sleep', '600');
  await leaderOf(name);
  const once = await said('lock', name, '--no-wait', '--', 'true');
  expect(once.code).toBe(75);
  expect(once.output).toContain(`the-holder leads ${name} with fencing version 1`);
  const waited = await said('lock', name, '--wait', '500ms', '--', 'true');
  expect(waited.code).toBe(75);
  expect(waited.output).toContain('gave up after 0.5 s (--wait)');
});

test('a command that takes options needs the dashes, and is told so', async () => {
  const wrong = await said('lock', newGroup(), 'sh', '-c', 'true');
  expect(wrong.code).toBe(64);
  expect(wrong.output).toContain('--help');
});

test('of a semaphore as many hold a permit as it has; the next gets the one that is given back first', async () => {
  const name = newGroup();
  const go = join(folder(), 'go');
  const command = [
    '--',
    'sh',
    '-c',
    `echo "permit $TENURE_PERMIT of $TENURE_GROUP"; until [ -e ${go} ]; do sleep 0.05; done`,
  ];
  const holders = [1, 2].map(() => tenure('semaphore', name, '--permits', '2', ...held, ...command));
  for (const holder of holders) await holder.says('permit ');
  const permits = holders.map((one) => /permit (\d) of (\S+)/.exec(one.output()));
  expect(permits.map((found) => found?.[1]).toSorted()).toEqual(['1', '2']);
  expect(permits.map((found) => found?.[2]).toSorted()).toEqual([`${name}.permit-1`, `${name}.permit-2`]);
  const refused = await said('semaphore', name, '--permits', '2', '--no-wait', '--', 'true');
  expect(refused).toMatchObject({ code: 75, output: expect.stringContaining(`All 2 permits of ${name} are held`) });
  const next = tenure('semaphore', name, '--permits', '2', ...held, ...command);
  await next.says('waiting: all 2 permits are held');
  writeFileSync(go, '');
  expect(await next.ended(), next.output()).toBe(0);
  for (const holder of holders) expect(await holder.ended()).toBe(0);
});

test('a permit whose holder is killed is free again, without its lease running out', async () => {
  const name = newGroup();
  const holder = tenure('semaphore', name, '--permits', '1', ...held, '--', 'sleep', '600');
  await leaderOf(`${name}.permit-1`);
  holder.child.kill('SIGKILL');
  await eventually('the permit is given back', async () => {
    const { availableInMs } = await client().observe(`${name}.permit-1`, { consistent: true });
    return availableInMs === 0;
  });
  expect((await said('semaphore', name, '--permits', '1', '--no-wait', '--', 'true')).code).toBe(0);
});
