/** Members of a log that change by the command, under a program that appends all the time; on a stack of its own. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReplicatedLog, TenureClient } from '../../../client/index.ts';
import { type RunningStack, startStack } from '../../support/stack.ts';
import { asked } from '../leadership/tenure.ts';
import { texts } from './logs.ts';

let stack: RunningStack;
beforeAll(async () => {
  stack = await startStack({ app: 'test/end-to-end/log/five-replicas.ts', schedules: false });
});
afterAll(() => stack?.stop());

const group = `members-${randomUUID().slice(0, 8)}`;

async function tenure(...argv: string[]) {
  const { output, code } = await asked('log', ...argv, '--group', group, '--url', stack.api, '--json');
  expect({ code, output }).toMatchObject({ code: 0 });
  return JSON.parse(output.slice(output.indexOf('{'))) as { configuration: Configuration };
}

/** The members once a change of them is done. */
async function changed(...argv: string[]): Promise<Configuration> {
  const { configuration } = await tenure('replicas', ...argv);
  expect(configuration.next).toBeUndefined();
  return configuration;
}

interface Configuration {
  readonly replicas: { id: string; table: string }[];
  readonly next?: unknown;
}

const idsOf = ({ replicas }: { replicas: { id: string }[] }) => replicas.map(({ id }) => id);

test('3 → 5 → 3 → one replaced, under load: no append fails, and every acknowledged entry is read back', async () => {
  const log = new ReplicatedLog({ client: new TenureClient({ url: stack.api }), group, log: 'journal' });
  await log.create();
  const three = await changed('remove', 'journal', '--replica', '4', '--replica', '5');
  expect(idsOf(three)).toEqual(['1', '2', '3']);
  const acknowledged = new Map<number, string>();
  let loaded = true;
  const program = async () => {
    const writer = log.writer();
    for (let at = 0; loaded; at += 1) {
      const { first } = await writer.append([`entry ${at}`]);
      acknowledged.set(first, `entry ${at}`);
    }
  };
  const load = program();
  // It is awaited below, whatever comes before.
  load.catch(() => undefined);
  const goesOn = async () => {
    const before = acknowledged.size;
    await expect.poll(() => acknowledged.size, { timeout: 60_000 }).toBeGreaterThan(before + 1);
  };
  try {
    await goesOn();
    const five = await changed('add', 'journal');
    expect(idsOf(five)).toEqual(['1', '2', '3', '4', '5']);
    await goesOn();
    const others = await changed('remove', 'journal', '--replica', '1', '--replica', '2');
    expect(idsOf(others)).toEqual(['3', '4', '5']);
    await goesOn();
    const [, , third] = three.replicas;
    const replaced = await changed('replace', 'journal', '--replica', '3');
    expect(idsOf(replaced)).toEqual(['4', '5', '6']);
    expect(replaced.replicas.map(({ table }) => table)).not.toContain(third?.table);
    await goesOn();
  } finally {
    loaded = false;
    await load;
  }
  const found = await texts(log);
  for (const [position, text] of acknowledged) expect(found.get(position)).toBe(text);
  expect(found.size).toBe(acknowledged.size);
});

test('a log is shown, not deleted without --yes, and gone with it', async () => {
  const log = new ReplicatedLog({ client: new TenureClient({ url: stack.api }), group, log: 'other' });
  await log.create();
  const listed = await asked('log', 'replicas', 'ls', 'other', '--group', group, '--url', stack.api);
  expect(listed).toMatchObject({ code: 0, output: expect.stringContaining(stack.replicaTables[4] ?? '') });
  const refused = await asked('log', 'delete', 'other', '--group', group, '--url', stack.api);
  expect(refused.code).toBe(64);
  expect(refused.output).toContain('confirm with --yes');
  expect((await log.status()).replicas).toHaveLength(5);
  await tenure('delete', 'other', '--yes');
  await expect(log.status()).rejects.toMatchObject({ code: 'not_found' });
  const gone = await asked('log', 'delete', 'other', '--group', group, '--url', stack.api, '--yes');
  expect(gone).toMatchObject({ code: expect.any(Number), output: expect.stringContaining('no log "other"') });
});
