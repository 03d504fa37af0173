import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { enterState } from '../../../functions/backups/backup.ts';
import { changeOf } from '../../../functions/events/change.ts';
import { eventOf } from '../../../functions/events/event.ts';
import { cleanUp } from '../../../functions/jobs/clean-up/clean-up.ts';
import { LogRegistryTable } from '../../../log/dynamodb/registry-table.ts';
import { replicaNotesTable } from '../../../log/dynamodb/replica-notes-table.ts';
import { namesOf } from '../../../log/dynamodb/sequencer-item.ts';
import { SequencerTable } from '../../../log/dynamodb/sequencer-table.ts';
import { note } from '../../../log/replica-watch.ts';
import { checkpoint, type JobWorld, openJobWorld, type Process, sha256, submit } from '../../support/job-world.ts';
import { streamOf } from '../../support/table-stream.ts';
import { openBackups } from '../backups/world.ts';
import { eventsIn, passing } from './images.ts';

let world: JobWorld;
let api: Process;
let stream: Awaited<ReturnType<typeof streamOf>>;
beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
  api = world.process();
  stream = await streamOf(inject('dynamodb'), world.table);
});
afterAll(() => world.close());

const published = async () =>
  eventsIn(await stream.records()).map(({ type, detail }) => {
    const { version, id, sequence, ...rest } = detail;
    return { type, ...rest };
  });

test('the life of a job: submitted, two checkpoints, a savepoint, submitted anew, finished; nothing else is told', async () => {
  const group = 'orders';
  const job = `/groups/${group}/jobs/billing`;
  const leader = await world.lead(group);
  await submit(api, leader, job, { retain: 1 });
  await checkpoint(api, leader, job, 'first', { metadata: { note: 'hidden' } });
  await checkpoint(api, leader, job, 'second');
  await checkpoint(api, leader, job, 'saved', { kind: 'savepoint' });
  await submit(api, leader, job, { metadata: { note: 'hidden' } });
  await api.call('POST', `/groups/${group}/recovery`, {}, leader);
  await api.call('POST', `${job}/finish`, { result: 'failed', detail: 'hidden' }, leader);
  await cleanUp(api.room, () => Number.POSITIVE_INFINITY);
  const events = await published();
  const at = expect.stringMatching(/^\d{4}-.*Z$/);
  const common = { group, jobId: 'billing', fencingVersion: 1, at };
  const committed = (checkpointId: number, kind: string, content: string) => ({
    type: 'Checkpoint Committed',
    ...common,
    checkpointId,
    kind,
    bytes: content.length,
    sha256: sha256(content),
  });
  expect(events).toEqual([
    { type: 'Job Submitted', ...common, replaced: false },
    committed(1, 'checkpoint', 'first'),
    committed(2, 'checkpoint', 'second'),
    committed(3, 'savepoint', 'saved'),
    { type: 'Job Submitted', ...common, replaced: true },
    { type: 'Job Finished', ...common, result: 'failed' },
  ]);
  expect(JSON.stringify(events)).not.toContain('hidden');
});

test('a claim by the next leader raises the fence and is no event', async () => {
  const group = 'claims';
  const job = `/groups/${group}/jobs/billing`;
  await submit(api, await world.lead(group), job);
  const next = await world.lead(group);
  await stream.records();
  await api.call('POST', `/groups/${group}/recovery`, {}, next);
  expect(await published()).toEqual([]);
  await api.call('POST', `${job}/finish`, { result: 'succeeded' }, next);
  expect(await published()).toMatchObject([{ type: 'Job Finished', fencingVersion: 2 }]);
});

test('a damaged job is reported as unreadable, without its content', async () => {
  const group = 'damaged';
  await submit(api, await world.lead(group), `/groups/${group}/jobs/billing`);
  await stream.records();
  await world.other.send(
    new UpdateCommand({
      TableName: world.table,
      Key: { pk: `GROUP#${group}`, sk: 'JOB#billing' },
      UpdateExpression: 'SET retain = :text',
      ExpressionAttributeValues: { ':text': 'hidden' },
    }),
  );
  const [record, ...others] = passing(await stream.records());
  expect(others).toEqual([]);
  expect(() => eventOf(changeOf(record ?? {}))).toThrow(/^A job: its record is malformed at retain/);
  expect(() => eventOf(changeOf(record ?? {}))).not.toThrow(/hidden/);
});

test('the status of a replica is told when it changes, and with the one before', async () => {
  const name = { group: 'logs', log: 'journal' };
  const notes = replicaNotesTable(world.other, world.table);
  const seen = (status: 'VOTING' | 'RECOVERING' | 'UNREACHABLE') => [
    { id: '1', status: 'VOTING' as const },
    { id: '2', status },
  ];
  await note(notes, world.clock, name, seen('VOTING'));
  const common = { type: 'Replica Status Changed', ...name, at: expect.any(String) };
  expect(await published()).toEqual([
    { ...common, replica: '1', status: 'VOTING' },
    { ...common, replica: '2', status: 'VOTING' },
  ]);
  await note(notes, world.clock, name, seen('VOTING'));
  expect(await stream.records()).toEqual([]);
  await note(notes, world.clock, name, seen('UNREACHABLE'));
  world.advance(1);
  await note(notes, world.clock, name, seen('RECOVERING'));
  expect(await published()).toEqual([
    { ...common, replica: '2', status: 'UNREACHABLE', previousStatus: 'VOTING' },
    { ...common, replica: '2', status: 'RECOVERING', previousStatus: 'UNREACHABLE' },
  ]);
});

test('of two sweeps that see a change at once one tells of it', async () => {
  const name = { group: 'sweeps', log: 'journal' };
  const notes = replicaNotesTable(world.other, world.table);
  const sweeps = Array.from({ length: 5 }, () => note(notes, world.clock, name, [{ id: '1', status: 'EMPTY' }]));
  await Promise.all(sweeps);
  expect(await published()).toHaveLength(1);
});

test('an append moves the sequencer in the same partition and passes no filter', async () => {
  const place = { table: world.table, group: 'logs', log: 'journal' };
  await new LogRegistryTable(world.other, world.table).create({
    group: 'logs',
    log: 'journal',
    autoInitialize: false,
    createdAt: 1,
    configuration: { version: 1, replicas: [] },
  });
  expect(passing(await stream.records())).toEqual([]);
  const sequencer = new SequencerTable({ client: world.other, ...place, configuration: 1 });
  const free = {
    number: 1,
    writerId: 'w',
    first: 1,
    next: 2,
    settled: 1,
    regularFrom: 1,
    since: 1,
    closed: false,
    truncation: 0,
  };
  const elected = { ...free, revision: 1, views: ['v'], recent: [] };
  await sequencer.replace(undefined, elected);
  const recent = [{ requestId: namesOf('one').requestId, count: 1 }];
  await sequencer.replace(elected, { ...elected, revision: 2, next: 3, recent });
  const records = await stream.records();
  expect(records).toHaveLength(2);
  expect(passing(records)).toEqual([]);
});

test('a backup is told when it ends; its heartbeats, its requests and what comes after it are not', async () => {
  const backups = await openBackups();
  const own = await streamOf(inject('dynamodb'), backups.table);
  const { store } = backups.room;
  const record = await backups.begin({ bypassDelegation: true });
  const stored = async () => (await store.read('orders', record.backupId)) ?? expect.fail('no record');
  for (const sequence of [1, 2, 3]) {
    const running = await stored();
    await store.replace(running, {
      ...enterState(running.record, 'RUNNING', backups.clock.now()),
      sequence,
      bytes: sequence,
    });
  }
  expect(passing(await own.records())).toEqual([]);
  const failed = enterState((await stored()).record, 'FAILED', backups.clock.now());
  await store.settle(await stored(), { ...failed, error: { code: 'worker_lost', message: 'hidden' } });
  const final = await stored();
  await store.replace(final, { ...final.record, sharedWith: ['others'] });
  await store.remove(await stored(), backups.clock.now(), 'request');
  await store.cleanedUp(record, 'removed', backups.clock.now());
  const events = eventsIn(await own.records());
  expect(events.map(({ type, detail }) => ({ type, ...detail }))).toMatchObject([
    { type: 'Backup Finished', backupId: record.backupId, state: 'FAILED', errorCode: 'worker_lost', bytes: 3 },
  ]);
  expect(JSON.stringify(events)).not.toContain('hidden');
});

test('the sequence orders what one group does across its items, and the same record is the same event again', async () => {
  const group = 'ordered';
  const leader = await world.lead(group);
  for (const jobId of ['a', 'b', 'c']) {
    await submit(api, leader, `/groups/${group}/jobs/${jobId}`);
    await checkpoint(api, leader, `/groups/${group}/jobs/${jobId}`, jobId);
  }
  const records = await stream.records();
  const events = eventsIn(records);
  const sequences = events.map(({ detail }) => detail.sequence);
  expect(events).toHaveLength(6);
  expect(sequences).toEqual(sequences.toSorted());
  expect(new Set(sequences).size).toBe(6);
  expect(eventsIn(structuredClone(records))).toEqual(events);
});
