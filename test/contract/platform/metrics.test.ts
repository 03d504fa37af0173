import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { appendEntries } from '../../../api/operations/log.ts';
import { ProblemError } from '../../../api/problem.ts';
import { outcomeUnknown } from '../../../api/problems/log.ts';
import { cancelled, endBackup } from '../../../functions/backups/records.ts';
import { collectPage } from '../../../functions/jobs/clean-up/collector.ts';
import { endpoint, serve } from '../../../functions/platform/http.ts';
import { captureMetrics } from '../../support/embedded-metrics.ts';
import { type JobWorld, openJobWorld, uploadBytes } from '../../support/job-world.ts';
import { openBackups } from '../backups/world.ts';

let world: JobWorld;
beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
});
afterAll(() => world.close());
const counted = captureMetrics();

test('the collector counts the orphans that it deletes, and none in a dry run', async () => {
  const api = world.process();
  await uploadBytes(api, await world.lead('orphans'), '/groups/orphans/jobs/billing', 'never committed');
  world.advance(1_000);
  await collectPage(api.room, { group: 'orphans', dryRun: true });
  expect(counted('OrphansCollected')).toEqual([]);
  await collectPage(api.room, { group: 'orphans', dryRun: false });
  expect(counted('OrphansCollected')).toMatchObject([{ OrphansCollected: 1 }]);
});

test('a backup that fails is counted once, over all and by its reason', async () => {
  const { room, begin } = await openBackups();
  const { group, backupId } = await begin({ bypassDelegation: true });
  await endBackup(room, { group, backupId }, cancelled);
  await endBackup(room, { group, backupId }, cancelled);
  expect(counted('BackupFailed')).toMatchObject([
    {
      BackupFailed: 1,
      reason: 'cancelled',
      _aws: { CloudWatchMetrics: [{ Dimensions: [['service'], ['service', 'reason']] }] },
    },
  ]);
});

test('an append whose outcome is unknown is counted', async () => {
  const append = endpoint(appendEntries, async () => {
    throw new ProblemError(outcomeUnknown, 'nobody answers');
  });
  const headers = { 'Log-Writer': '0198b1c4-0000-7000-8000-000000000000' };
  const body = JSON.stringify({ entries: ['YQ=='] });
  const answer = await serve([append]).request('/v1/groups/g/logs/l/entries', { method: 'POST', headers, body });
  expect(await answer.json()).toMatchObject({ code: 'outcome_unknown' });
  expect(counted('AppendsUnknown')).toMatchObject([{ AppendsUnknown: 1 }]);
});
