/** The contract of a sequencer's store. Run against memory and against the main table. */
import { expect, it } from 'vitest';
import { namesOf } from '../../../log/dynamodb/sequencer-item.ts';
import type { Hold, Sequencer, WriterRecord } from '../../../log/protocol/sequencer.ts';

export const record = (revision: number, more: Partial<WriterRecord> = {}): WriterRecord => ({
  revision,
  number: 33_554_433,
  writerId: '0190a1b2-c3d4-7000-8000-000000000001',
  first: 5,
  next: 5 + revision,
  settled: 4,
  regularFrom: 5,
  since: 1_700_000_000_000,
  closed: false,
  truncation: 0,
  views: ['0123456789ab', undefined, 'ba9876543210'],
  recent: [{ requestId: namesOf('one').requestId, count: 1 }],
  ...more,
});

export function sequencerContract(
  make: () => Promise<{ store: Sequencer; hold: (hold: Hold) => Promise<void> }>,
): void {
  it('is empty at first, and answers what was put', async () => {
    const { store } = await make();
    expect(await store.read()).toBeUndefined();
    expect(await store.replace(undefined, record(1))).toEqual({ replaced: true });
    expect(await store.read()).toEqual(record(1));
    const forgotten = { requestId: '', count: 64 };
    const later = record(2, { closed: true, next: record(1).next + 64, recent: [...record(1).recent, forgotten] });
    expect(await store.replace(record(1), later)).toEqual({ replaced: true });
    expect(await store.read()).toEqual(later);
  });

  it('keeps which requests share a slot', async () => {
    const { store } = await make();
    const shared = [1, 64, 3].map((count, at) => ({
      requestId: namesOf(`${at}`).requestId,
      count,
      ...(at > 0 && { joins: true as const }),
    }));
    const recent = [...record(1).recent, ...shared, { requestId: '', count: 2, joins: true as const }];
    await store.replace(undefined, record(1, { recent, next: 80 }));
    expect((await store.read())?.recent).toEqual(recent);
  });

  it('is replaced only where it still has the revision, and returns the record that is there', async () => {
    const { store } = await make();
    expect(await store.replace(record(3), record(4))).toEqual({ replaced: false, writer: undefined });
    await store.replace(undefined, record(1));
    const other = record(1, { writerId: 'another' });
    expect(await store.replace(undefined, other)).toEqual({ replaced: false, writer: record(1) });
    await store.replace(record(1), record(2));
    expect(await store.replace(record(1), record(2, { since: 1 }))).toEqual({ replaced: false, writer: record(2) });
    expect(await store.read()).toEqual(record(2));
  });

  it('is not replaced by a writer of another record with the same revision', async () => {
    const { store } = await make();
    await store.replace(undefined, record(1));
    // As it was before the log was deleted and created again.
    const writerId = 'of another life';
    const answer = await store.replace(record(1, { writerId }), record(2, { writerId }));
    expect(answer).toEqual({ replaced: false, writer: record(1) });
    expect(await store.read()).toEqual(record(1));
  });

  it('takes the very same change again for a success', async () => {
    const { store } = await make();
    await store.replace(undefined, record(1));
    expect(await store.replace(undefined, record(1))).toEqual({ replaced: true });
  });

  it('holds truncations, and only them, to what a backup still reads', async () => {
    const { store, hold } = await make();
    await store.replace(undefined, record(1));
    const held = { backupId: '0190a1b2-c3d4-7000-8000-000000000002', from: 10 };
    expect(await store.readHold()).toBeUndefined();
    await hold(held);
    expect(await store.readHold()).toEqual(held);
    expect(await store.replace(record(1), record(2), 11)).toEqual({ replaced: false, held });
    expect(await store.replace(record(1), record(2), 10)).toEqual({ replaced: true });
    expect(await store.replace(record(2), record(3))).toEqual({ replaced: true });
    expect(await store.replace(record(3), record(4), 9)).toEqual({ replaced: true });
  });
}
