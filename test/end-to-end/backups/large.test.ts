import { randomUUID } from 'node:crypto';
import { expect, inject, onTestFinished, test } from 'vitest';
import { shareBackup } from '../../../api/operations/backups.ts';
import { ReplicatedLog } from '../../../client/index.ts';
import { sizes } from '../../sizes.ts';
import { entryText, seedLargeGroup } from '../../support/backups/large-group.ts';
import { backUpByWorker } from '../../support/backups/throughput.ts';
import { mostResidentMiB, startWorker } from '../../support/backups/worker-process.ts';
import { asked, client, end } from '../leadership/tenure.ts';

const { entries, jobs } = sizes.backups;

// In the reduced sizes the other tests of backups do the same with less.
test.runIf(sizes.full)(
  `a worker backs up ${entries} entries and ${jobs} jobs in 200 MiB, and all of them come back`,
  async () => {
    const stack = inject('stack');
    const large = await seedLargeGroup(stack, { entries, jobs });
    const worker = startWorker(stack.api, large.group);
    onTestFinished(() => end(worker));
    const { backupId } = await backUpByWorker(client(), large);
    expect(mostResidentMiB(worker)).toBeLessThanOrEqual(200);

    const group = `restored-${randomUUID().slice(0, 8)}`;
    await client().call(shareBackup, { params: { group: large.group, backup: backupId }, body: { group } });
    const restored = await asked('restore', '--group', group, '--backup', backupId, '--json');
    expect(restored.code, restored.output).toBe(0);
    let next = 0;
    for await (const { position, data } of new ReplicatedLog({ client: client(), group, log: large.log }).read()) {
      if (position !== next || Buffer.from(data).toString() !== entryText(position)) {
        throw new Error(`Position ${position} holds ${Buffer.from(data).toString()}`);
      }
      next += 1;
    }
    expect(next).toBe(entries);
    const listed = JSON.parse((await asked('job', 'ls', '--group', group, '--json')).output);
    expect(listed).toHaveLength(jobs);
  },
  3_600_000,
);
