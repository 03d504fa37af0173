import { expect, inject, it } from 'vitest';
import { logKey } from '../../../log/dynamodb/replica-item.ts';
import type { WriteAnswer } from '../../../log/protocol/replica.ts';
import { missing } from '../../ministack/gaps.ts';
import type { Fault } from '../../support/faults.ts';
import { at, ballot, data, fresh, learned, vote } from '../../support/log/replica-requests.ts';
import { createReplicaTable, replicaOn, wipeTable } from '../../support/log/tables.ts';

const view = 'view-2';
const promise = (number: number, by?: string) => ({ ...ballot(number, by), view, forget: [] });
const write = (number: number, position: number, text = `${position}`) => ({
  ...ballot(number),
  view,
  ...at(position, data(text)),
});
const survivable: Fault[] = ['answer lost', 'request lost', 'duplicate', 'throttle', 'transaction conflict'];
const writing = ['TransactWriteItemsCommand', 'UpdateItemCommand'];

it.each(survivable)('gives the answers of undisturbed requests when each first write meets: %s', async (fault) => {
  const { replica, faults } = await replicaOn(inject('dynamodb'));
  await vote(replica);
  const disturbed = async <Answer>(act: () => Promise<Answer>): Promise<Answer> => {
    let met = false;
    faults.plan = (command) => {
      if (met || !writing.includes(command)) return undefined;
      met = true;
      return fault;
    };
    const answer = await act();
    expect(met).toBe(true);
    faults.plan = () => undefined;
    return answer;
  };
  const accept = { verdict: 'ACCEPT' };
  expect(await disturbed(() => replica.promise(promise(3)))).toMatchObject({ ...accept, end: 0 });
  expect(await disturbed(() => replica.write(write(3, 1)))).toEqual(accept);
  expect(await disturbed(() => replica.write(write(4, 1, 'newer')))).toEqual(accept);
  const previous = { performed: 4, value: data('newer') };
  const explicit = await disturbed(() => replica.promiseAt({ ...ballot(5), view, position: 1 }));
  expect(explicit).toMatchObject({ ...accept, action: previous });
  expect(await disturbed(() => replica.learn([learned(2, data('chosen'))]))).toMatchObject({ ...accept, end: 2 });
  expect(await disturbed(() => replica.replaceView('view-3'))).toMatchObject({
    changed: true,
    meta: { view: 'view-3' },
  });
  const { lockTurn } = await replica.read();
  const lock = { lockId: 'cut', at: 1, view: 'view-3', turn: lockTurn };
  expect(await disturbed(() => replica.lock(lock))).toMatchObject({ changed: true, meta: { lockTurn: lockTurn + 1 } });
  const { incarnation } = fresh;
  await disturbed(() => replica.transition({ incarnation, status: 'VOTING' }, { status: 'RECOVERING' }));
  expect(await replica.read()).toMatchObject({ status: 'RECOVERING', view: 'view-3', end: 2 });
});

it('says that it is unreachable where no answer comes at all, and throws what is a bug', async () => {
  const { replica, faults } = await replicaOn(inject('dynamodb'));
  await vote(replica);
  faults.plan = () => 'request lost';
  await expect(replica.read()).rejects.toThrow('Replica "1" gives no answer');
  faults.plan = () => 'throttle';
  await expect(replica.read()).rejects.toMatchObject({ name: 'ThrottledError' });
  faults.plan = () => 'denied';
  await expect(replica.read()).rejects.toMatchObject({
    name: 'UnreachableError',
    message: 'Replica "1" gives no answer',
    cause: { name: 'AccessDeniedException' },
  });
  faults.plan = () => 'crash before';
  await expect(replica.read()).rejects.toMatchObject({ name: 'CrashedError' });
});

it('never leaves a write out of the end of a promise that did not stop it', async () => {
  const { replica, table } = await replicaOn(inject('dynamodb'));
  const { replica: rival } = await replicaOn(inject('dynamodb'), table);
  await vote(replica);
  const seen = new Set<string>();
  for (let round = 1; round <= 40; round += 1) {
    const position = round * 10;
    const [written, promised] = await Promise.all([
      replica.write(write(round * 2, position)),
      rival.promise(promise(round * 2 + 1)),
    ]);
    expect(promised.verdict).toBe('ACCEPT');
    if (promised.verdict !== 'ACCEPT') return;
    expect(promised.end >= position).toBe(written.verdict === 'ACCEPT');
    seen.add(written.verdict);
  }
  expect([...seen]).toContain('ACCEPT');
});

it('lets one of many owners of a number through, and never two values of one number', async () => {
  const endpoint = inject('dynamodb');
  const { replica, table } = await replicaOn(endpoint);
  await vote(replica);
  const callers = await Promise.all(Array.from({ length: 6 }, () => replicaOn(endpoint, table)));
  const promises = await Promise.all(
    callers.map((caller, index) => caller.replica.promise(promise(7, `owner-${index}`))),
  );
  expect(promises.filter(({ verdict }) => verdict === 'ACCEPT')).toHaveLength(1);
  const writes = await Promise.all(
    callers.map((caller, index) => caller.replica.write({ ...write(8, 1, `${index}`), by: `owner-${index}` })),
  );
  const winners = writes.flatMap(({ verdict }: WriteAnswer, index) => (verdict === 'ACCEPT' ? [index] : []));
  expect(winners).toHaveLength(1);
  const [action] = (await replica.range(1, 1)).actions;
  expect(action).toMatchObject({ performed: 8, performedBy: `owner-${winners[0]}`, value: data(`${winners[0]}`) });
});

it('takes each of many concurrent writes at other positions, in any order', async () => {
  const endpoint = inject('dynamodb');
  const { replica, table } = await replicaOn(endpoint);
  await vote(replica);
  const { replica: other } = await replicaOn(endpoint, table);
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) => (index % 2 ? other : replica).write(write(1, 12 - index))),
  );
  expect(answers.every(({ verdict }) => verdict === 'ACCEPT')).toBe(true);
  expect((await replica.range(1, 12)).actions).toHaveLength(12);
  expect((await replica.read()).end).toBe(12);
});

it('does not put over a position what was decided on an older sight of it', async () => {
  const { replica, faults, table } = await replicaOn(inject('dynamodb'));
  const { replica: other } = await replicaOn(inject('dynamodb'), table);
  await vote(replica);
  await replica.write(write(1, 1, 'one'));
  // Between this caller's read and its write another one raises the position.
  const meddling: Promise<unknown>[] = [];
  faults.plan = (command) => {
    if (command !== 'TransactWriteItemsCommand' || meddling.length > 0) return undefined;
    meddling.push(other.write(write(9, 1, 'nine')));
    return 'request lost';
  };
  const answer = await replica.write(write(5, 1, 'five'));
  await Promise.all(meddling);
  const [action] = (await replica.range(1, 1)).actions;
  if (answer.verdict === 'REJECT') expect(answer.promised).toBe(9);
  else expect(answer.verdict).toBe('ACCEPT');
  expect(action).toMatchObject({ promised: 9, performed: 9, value: data('nine') });
});

const wholeSeconds = missing('creation dates in whole seconds');
it.skipIf(wholeSeconds)(
  'is EMPTY again when its table was deleted and made anew, whatever its record said',
  async () => {
    const endpoint = inject('dynamodb');
    const table = await createReplicaTable(endpoint);
    const { replica } = await replicaOn(endpoint, table);
    const old = await vote(replica);
    await replica.write(write(1, 1));
    // Local tables are as old as the second, or less, so that the next one must be younger.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await wipeTable(endpoint, table);
    expect(await replica.read()).toMatchObject({ status: 'EMPTY', incarnation: '' });
    expect(await replica.write(write(1, 2))).toEqual({ verdict: 'IGNORED', status: 'EMPTY' });
    const created = await replica.create({ incarnation: 'life-2', view: 'v' });
    expect(created).toMatchObject({ status: 'EMPTY', incarnation: 'life-2' });
    expect(created.epoch).toBeGreaterThan(old.epoch);
    expect((await replica.transition(old, { status: 'RECOVERING' })).changed).toBe(false);
  },
);

it('does not vote with a record that came from another table of its name', async () => {
  const endpoint = inject('dynamodb');
  const { replica, client, table } = await replicaOn(endpoint);
  const meta = await vote(replica);
  const { PutCommand } = await import('@aws-sdk/lib-dynamodb');
  const Item = { pk: logKey('g', 'journal', 1), sk: 'META', ...meta, epoch: meta.epoch - 1, revision: 9 };
  await client.send(new PutCommand({ TableName: table, Item }));
  expect(await replica.read()).toMatchObject({ status: 'EMPTY', incarnation: '' });
  expect(await replica.promise(promise(1))).toEqual({ verdict: 'IGNORED', status: 'EMPTY' });
  expect(await replica.write(write(1, 1))).toEqual({ verdict: 'IGNORED', status: 'EMPTY' });
  expect((await replica.replaceView('x')).changed).toBe(false);
});
