import { expect, test } from 'vitest';
import { type HeldDeletes, releaseDeletes } from '../../../functions/jobs/payloads/held-deletes.ts';
import type { PayloadStore } from '../../../functions/jobs/payloads/payload-store.ts';
import { meetingOf } from '../../support/meeting.ts';

test('the jobs that a backup has held are released concurrently, after the hold itself', async () => {
  const pages = new Map([
    [undefined, { items: Array.from({ length: 20 }, (_, at) => `a-${at}`), last: 'a' }],
    ['a', { items: Array.from({ length: 20 }, (_, at) => `b-${at}`), last: undefined }],
  ]);
  const released: string[] = [];
  const { arrive } = meetingOf(16);
  const held = {
    listHeldJobs: async (_group, _backupId, after) => pages.get(after) ?? { items: [] },
    async releaseJob({ jobId }) {
      await arrive();
      released.push(jobId);
    },
    listDeferred: async () => ({ items: [] }),
    async release() {
      released.push('the hold');
    },
  } satisfies Partial<HeldDeletes> as unknown as HeldDeletes;
  const payloads = {} as PayloadStore;
  await releaseDeletes({ held, payloads, clock: { now: () => 0 } }, 'orders', 'backup-1');
  expect(new Set(released).size).toBe(41);
  expect(released[0]).toBe('the hold');
});
