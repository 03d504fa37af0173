import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createBackup, getBackup } from '../../../api/operations/backups.ts';
import { gate } from '../../end-to-end/backups/backups.ts';
import { standby } from '../../end-to-end/backups/standby.ts';
import { eventually } from '../../end-to-end/leadership/tenure.ts';
import { functionNamed } from '../functions.ts';
import { client, countEntries, foundedLog, led, newGroup, stage } from '../stage.ts';
import { upgrade } from '../upgrade.ts';

test('an update under load loses no renewal, no append and no backup', { timeout: 1_200_000 }, async () => {
  const group = newGroup();
  const fence = await led(group);
  const { log, writer } = await foundedLog(group, fence);
  expect(await functionNamed(stage.region, 'lease')).toMatchObject({ traced: true });

  // Its execution has the definition of before, and ends with the functions of afterwards.
  const middle = gate();
  let registered = () => {};
  const isRegistered = new Promise<void>((resolve) => {
    registered = resolve;
  });
  const worker = standby({
    url: stage.proxy,
    group,
    workerId: 'standby',
    at: (moment) => (moment === 'half' ? middle.wait() : undefined),
    say: ({ type }) => type === 'registered' && registered(),
  });
  worker.start();
  await isRegistered;
  const begun = await client().call(createBackup, { params: { group }, body: {} });
  if ('explain' in begun) throw new Error('This was an explanation');
  await middle.reached;

  let updating = true;
  const counts = { renewals: 0, appends: 0 };
  const during = async (count: keyof typeof counts, work: () => Promise<unknown>) => {
    for (; updating; await pause(200)) {
      await work();
      counts[count] += 1;
    }
  };
  const load = Promise.all([
    during('renewals', () => client().renew(group, fence, { leaseMs: 600_000 })),
    during('appends', () => writer.append([`entry ${counts.appends}`])),
  ]);
  load.catch(() => {});
  await upgrade(stage).finally(() => {
    updating = false;
  });
  await load;
  console.log(`during the update: ${counts.renewals} renewals, ${counts.appends} appends`);
  expect(counts.renewals).toBeGreaterThan(5);
  expect(await countEntries(log)).toBe(counts.appends);
  expect(await functionNamed(stage.region, 'lease')).toMatchObject({ traced: false });
  expect(await client().observe(group, { consistent: true })).toMatchObject({ fencingVersion: fence.fencingVersion });

  middle.open();
  const status = await eventually(
    'the backup ends',
    async () => {
      const now = await client().call(getBackup, { params: { group, backup: begun.backupId } });
      return ['COMPLETED', 'FAILED'].includes(now.state) && now;
    },
    240_000,
  );
  expect(status).toMatchObject({ state: 'COMPLETED', worker: 'standby', attempt: 1 });
  await worker.close();
});
