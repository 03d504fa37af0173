import { describe, expect, inject, it } from 'vitest';
import { SequencerTable } from '../../../log/dynamodb/sequencer-table.ts';
import { firstConfiguration } from '../../../log/protocol/configuration.ts';
import { MemorySequencer } from '../../support/log/memory-sequencer.ts';
import { logsWith } from '../../support/log/tables.ts';
import { localDocuments } from '../../support/main-table.ts';
import { record, sequencerContract } from './sequencer-contract.ts';

const group = 'g';
const configuration = firstConfiguration([{ id: '1', table: 'unused', epoch: 1 }]);
const log = 'journal';

describe('a sequencer in memory', () => {
  sequencerContract(async () => {
    const memory = new MemorySequencer();
    return {
      store: memory.port(),
      hold: async (hold) => {
        memory.hold = hold;
      },
    };
  });
});

const onTables = async () => {
  const { room, faults } = await logsWith(inject('dynamodb'), 1);
  await room.create({ group, log, autoInitialize: true, createdAt: 1 });
  return { room, faults: faults.main, store: (await room.open(group, log)).sequencer };
};

describe('a sequencer in the main table', () => {
  sequencerContract(async () => {
    const { room, store } = await onTables();
    return {
      store,
      hold: async (hold) => {
        await room.registry.hold(group, log, hold);
      },
    };
  });

  it.each(['answer lost', 'request lost', 'throttle', 'duplicate'] as const)('survives: %s', async (fault) => {
    const { store, faults } = await onTables();
    faults.once(fault, 'UpdateItemCommand');
    expect(await store.replace(undefined, record(1))).toEqual({ replaced: true });
    faults.once(fault, 'UpdateItemCommand');
    expect(await store.replace(record(1), record(2))).toEqual({ replaced: true });
    expect(await store.read()).toEqual(record(2));
  });

  it('goes to one of many who want it, and says to the others whose it is', async () => {
    const { store } = await onTables();
    const claims = Array.from({ length: 8 }, (_, at) => record(1, { writerId: `writer-${at}` }));
    const answers = await Promise.all(claims.map((claim) => store.replace(undefined, claim)));
    const there = await store.read();
    expect(answers.filter(({ replaced }) => replaced)).toHaveLength(1);
    for (const answer of answers) if (!answer.replaced) expect(answer).toEqual({ replaced: false, writer: there });
  });

  it('costs one unit even with 64 requests, five views and long names', async () => {
    const { store, faults } = await onTables();
    const recent = Array.from({ length: 64 }, (_, at) => ({ requestId: `${at}`.padStart(12, 'A'), count: 64 }));
    const views = Array.from({ length: 5 }, () => '0123456789ab');
    const far = { first: 9e15, next: 9e15, settled: 9e15 - 1, regularFrom: 9e15, number: 9e15, truncation: 9e15 };
    const first = record(1, { recent, views, ...far });
    await store.replace(undefined, first);
    faults.sent.length = 0;
    await store.replace(first, record(2, { recent, views, ...far }));
    expect(faults.sent.map(({ capacity }) => capacity)).toEqual([1]);
  });
});

describe('the registry', () => {
  it('creates a log once, keeps what it was created with, and lists logs of one group and of all', async () => {
    const { room, tables } = await logsWith(inject('dynamodb'), 1);
    const { registry } = room;
    const created = { group, log, autoInitialize: false, createdAt: 7, configuration };
    expect(await registry.read(group, log)).toBeUndefined();
    expect(await registry.create(created)).toEqual({ created: true, log: created });
    const again = { ...created, autoInitialize: true, createdAt: 8 };
    expect(await registry.create(again)).toEqual({ created: false, log: created });
    const place = new SequencerTable({
      client: localDocuments(inject('dynamodb')),
      table: tables.main,
      group,
      log,
      configuration: 1,
    });
    await place.replace(undefined, record(1));
    expect(await registry.read(group, log)).toEqual(created);
    for (const name of ['a', 'z']) await registry.create({ ...created, log: name });
    await registry.create({ ...created, group: 'other' });
    expect((await registry.list(group, undefined, 10)).items.map((one) => one.log)).toEqual(['a', 'journal', 'z']);
    const page = await registry.list(group, 'a', 1);
    expect([page.items.map((one) => one.log), page.last]).toEqual([['journal'], 'journal']);
    const all: string[] = [];
    for await (const one of registry.listAll()) all.push(`${one.group}/${one.log}`);
    expect(all.sort()).toEqual(['g/a', 'g/journal', 'g/z', 'other/journal']);
  });

  it('knows nothing of a log that was forgotten, until it is created anew', async () => {
    const { room, tables } = await logsWith(inject('dynamodb'), 1);
    const { registry } = room;
    const created = { group, log, autoInitialize: true, createdAt: 7, configuration };
    await registry.create(created);
    const place = new SequencerTable({
      client: localDocuments(inject('dynamodb')),
      table: tables.main,
      group,
      log,
      configuration: 1,
    });
    await place.replace(undefined, record(1));
    await registry.forget(group, log, 8_000);
    expect(await registry.read(group, log)).toBeUndefined();
    expect(await place.read()).toBeUndefined();
    expect((await registry.list(group, undefined, 10)).items).toEqual([]);
    for await (const one of registry.listAll()) throw new Error(`${one.log} is still listed`);
    const anew = { ...created, createdAt: 9 };
    expect(await registry.create(anew)).toEqual({ created: true, log: anew });
  });

  it('is held by one backup until that releases it, and only if it exists', async () => {
    const { room } = await logsWith(inject('dynamodb'), 1);
    const { registry } = room;
    await expect(registry.hold(group, log, { backupId: 'b', from: 1 })).rejects.toThrow();
    await registry.create({ group, log, autoInitialize: true, createdAt: 1, configuration });
    await registry.hold(group, log, { backupId: 'one', from: 2 });
    expect(await registry.hold(group, log, { backupId: 'one', from: 3 })).toEqual({ backupId: 'one', from: 3 });
    expect(await registry.hold(group, log, { backupId: 'other', from: 5 })).toEqual({ backupId: 'one', from: 3 });
    await registry.release(group, log, 'other');
    expect(await registry.readHold(group, log)).toEqual({ backupId: 'one', from: 3 });
    await registry.release(group, log, 'one');
    expect(await registry.readHold(group, log)).toBeUndefined();
  });
});
