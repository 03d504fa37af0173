import { expect, test } from 'vitest';
import { backupTimes } from '../../support/backups/times.ts';
import { eventually, newGroup } from '../leadership/tenure.ts';
import { begun, ended, filesOf, meanwhile, start, startProcess, taken } from './backups.ts';

const { abandonMs, answerMs } = backupTimes;

/** From the last heartbeat of the process that dies. */
const endsWithinMs = abandonMs + 30_000;

const took = (worker: string, attempt: number) => ({ state: 'COMPLETED', worker, attempt });

test.concurrent.for(['suspending', 'suspended', 'offered'] as const)(
  'a worker that is killed when it is %s is passed over, and the next one takes the backup',
  async (moment, { onTestFinished }) => {
    const group = newGroup();
    const victim = await startProcess({ onTestFinished }, group, 'victim', moment, 'die');
    const { backupId } = await begun(group);
    expect(await meanwhile(group, backupId, victim.ended())).toBe('SIGKILL');
    const next = await start({ onTestFinished }, group, 'next');
    const acceptedAt = next.event('accepted').then(() => Date.now());
    const status = await ended(group, backupId);
    expect(status).toMatchObject(took('next', 2));
    expect(status.refusals).toEqual([{ worker: 'victim', reason: `did not answer within ${answerMs} ms` }]);
    // From then on the next worker sends heartbeats.
    expect(Date.parse(status.endedAt ?? '') - (await acceptedAt)).toBeLessThan(endsWithinMs);
    await next.event('resumed');
    expect(await taken(group)).toMatchObject(took('next', 1));
  },
);

const accepted = ['accepted', 'half', 'finishing'] as const;

test.concurrent.for(accepted)(
  'a worker that is killed when it is at "%s" is lost: its backup times out, and the next backup works',
  async (moment, { onTestFinished }) => {
    const group = newGroup();
    const victim = await startProcess({ onTestFinished }, group, 'victim', moment, 'die', moment === 'half' ? 32 : 2);
    const { backupId } = await begun(group);
    expect(await meanwhile(group, backupId, victim.ended())).toBe('SIGKILL');
    const diedAt = Date.now();
    if (moment !== 'accepted') expect(await filesOf(group, backupId)).toContain('1/entries-00000.ndjson.gz');
    if (moment === 'finishing') expect(await filesOf(group, backupId)).toContain('1/manifest.json');
    const status = await ended(group, backupId);
    expect(status).toMatchObject({ state: 'FAILED', worker: 'victim', attempt: 1 });
    expect(status.error).toMatchObject({ code: 'backup_timed_out', message: expect.stringContaining('"victim"') });
    expect(Date.parse(status.endedAt ?? '') - diedAt).toBeLessThan(endsWithinMs);
    await start({ onTestFinished }, group, 'next');
    expect(await taken(group)).toMatchObject(took('next', 1));
    await eventually('its files are gone', async () => (await filesOf(group, backupId)).length === 0);
  },
);

test.concurrent.for(accepted)(
  'a worker that is killed when it is at "%s" loses its backup to the next one when that may be redelegated',
  async (moment, { onTestFinished }) => {
    const group = newGroup();
    const victim = await startProcess({ onTestFinished }, group, 'victim', moment, 'die', moment === 'half' ? 32 : 2);
    const { backupId } = await begun(group, { redelegate: true });
    expect(await meanwhile(group, backupId, victim.ended())).toBe('SIGKILL');
    await start({ onTestFinished }, group, 'next');
    const status = await ended(group, backupId);
    expect(status).toMatchObject({ ...took('next', 2), uri: expect.stringMatching(/\/2\/$/) });
    expect(status.refusals).toEqual([
      {
        worker: 'victim',
        reason: expect.stringMatching(/^backup_timed_out: .* sent no heartbeat for \d+ s \(attempt 1,/),
      },
    ]);
    await eventually('the files of the lost attempt are gone', async () =>
      (await filesOf(group, backupId)).every((name) => name.startsWith('2/')),
    );
    const left = (await filesOf(group, backupId)).filter((name) => !name.startsWith('2/cut-'));
    expect(left).toEqual(['2/entries-00000.ndjson.gz', '2/manifest.json']);
    expect(await taken(group)).toMatchObject(took('next', 1));
  },
);
