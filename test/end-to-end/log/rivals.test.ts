import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { ReplicatedLog, TenureClient } from '../../../client/index.ts';
import { sizes } from '../../sizes.ts';
import { type Watched, watch } from '../../support/processes.ts';
import { project } from '../../support/stack.ts';
import { end, eventually, newGroup } from '../leadership/tenure.ts';
import { textOf, texts, whenVoting } from './logs.ts';

const stack = inject('stack');

/** A rival's response to one request: where each entry is, null if it is not in the log. */
interface Report {
  readonly entries: readonly string[];
  readonly positions: readonly (number | null)[];
}

const reportsOf = (rival: Watched): Report[] =>
  rival
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Report);

const isAcknowledged = ({ positions }: Report) => positions.some((position) => position !== null);
const progressOf = (rival: Watched) => reportsOf(rival).filter(isAcknowledged).length;

test(`three writers fight over one log for ${sizes.log.fightMs / 1_000} s, killed again and again`, async () => {
  const group = newGroup();
  const log = new ReplicatedLog({
    client: new TenureClient({ url: stack.api, deadlineMs: 60_000 }),
    group,
    log: 'journal',
  });
  await log.create();
  await whenVoting(log, 3);
  const program = join(import.meta.dirname, 'rival.ts');
  const lives: Watched[] = [];
  const start = (seat: number): Watched => {
    const life = lives.length;
    // Each seat is taken by a client and by a coordinator in turn.
    const mode = (seat + life) % 2 === 0 ? 'direct' : 'api';
    const argv = ['--import', 'tsx', program, `${mode}-${seat}-${life}`, mode, group, 'journal', JSON.stringify(stack)];
    const rival = watch(process.execPath, argv, { cwd: project });
    onTestFinished(() => end(rival));
    lives.push(rival);
    return rival;
  };

  const tailed = new Map<number, string>();
  const ending = new AbortController();
  const tailing = (async () => {
    for await (const entry of log.tail({ signal: ending.signal, pollMs: 100 })) {
      tailed.set(entry.position, textOf(entry));
    }
  })();

  const rivals = [0, 1, 2].map(start);
  const endsAt = Date.now() + sizes.log.fightMs;
  let kills = 0;
  while (Date.now() < endsAt || kills < 6) {
    const seat = kills % 3;
    const victim = rivals[seat] as Watched;
    await eventually('the next victim has appended something', () => ended(victim) || progressOf(victim) > 0, 150_000);
    expect(ended(victim), victim.output()).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
    victim.child.kill('SIGKILL');
    await victim.ended();
    kills += 1;
    rivals[seat] = start(seat);
  }
  for (const rival of rivals) await end(rival);

  const last = await log.writer().append(['the end']);
  await eventually('the tail has seen the last entry', () => tailed.has(last.last));
  ending.abort();
  await tailing;
  const found = await texts(log);
  expect([...tailed]).toEqual([...found]);
  expect(new Set(found.values()).size).toBe(found.size);

  const reports = lives.flatMap(reportsOf);
  for (const { entries, positions } of reports) {
    for (const [at, position] of positions.entries()) {
      if (position === null) expect([...found.values()]).not.toContain(entries[at]);
      else expect(found.get(position)).toBe(entries[at]);
    }
  }
  for (const rival of lives) {
    const acknowledged = reportsOf(rival).flatMap(({ positions }) => positions.filter((position) => position !== null));
    expect(acknowledged).toEqual(acknowledged.toSorted((one, other) => one - other));
  }
  const inOrder = new Map<string, number[]>();
  for (const text of found.values()) {
    const [writer = '', request, at] = text.split('.');
    inOrder.set(writer, [...(inOrder.get(writer) ?? []), Number(request) * 10 + Number(at)]);
  }
  for (const numbers of inOrder.values()) expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));

  const seats = new Set(reports.filter(isAcknowledged).map(({ entries }) => entries[0]?.split('-')[1]));
  expect(seats).toEqual(new Set(['0', '1', '2']));
});

const ended = ({ child }: Watched) => child.exitCode !== null || child.signalCode !== null;
