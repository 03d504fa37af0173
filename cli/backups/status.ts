import type * as z from 'zod/mini';
import { backupState, type backupStatus, getBackup } from '../../api/operations/backups.ts';
import type { TenureClient } from '../../client/tenure-client.ts';
import { sleep } from '../../client/time.ts';
import { Exit, exitCodes } from '../exit.ts';
import { bytes, duration, fields, plain } from '../output.ts';
import { progress } from '../progress.ts';
import type { Shell } from '../shell.ts';

export type Status = z.output<typeof backupStatus>;

const lookEveryMs = 500;
/** In the order in which a backup comes through them. */
const states = backupState.options;

/** Shows a backup until it has ended; answers its last status. */
export async function follow(
  client: TenureClient,
  begun: Status,
  options: { json?: boolean },
  shell: Shell,
): Promise<Status> {
  const { backupId, group } = begun;
  const bar = progress(
    shell,
    options,
    line(begun),
    () =>
      `backup ${backupId} continues without this command: follow it with tenure backup show ${backupId} --group ${group}, end it with tenure backup cancel ${backupId} --group ${group}`,
  );
  let status = begun;
  try {
    while (!hasEnded(status)) {
      await sleep(client.time, lookEveryMs);
      status = await client.call(getBackup, { params: { group, backup: backupId } });
      bar.say(line(status), states.indexOf(status.state) / states.indexOf('COMPLETED'));
    }
  } catch (error) {
    bar.failed(`backup ${backupId} continues without this command`);
    throw error;
  }
  if (status.state === 'COMPLETED') bar.done(line(status));
  else bar.failed(line(status));
  return status;
}

export const hasEnded = ({ state }: Status): boolean => state === 'COMPLETED' || state === 'FAILED';

/** Ends with code 1 for a backup that failed. */
export function failIfFailed({ state }: Status): void {
  if (state === 'FAILED') throw new Exit(exitCodes.failed);
}

function line({ state, entryCount, worker, phases, ...status }: Status): string {
  const where = worker === undefined ? '' : ` on ${plain(worker)}`;
  return `${state}${where}: ${entryCount} entries, ${bytes(status.bytes)} (${phaseTimes(phases)})`;
}

function phaseTimes(phases: Status['phases']): string {
  const spent = states.flatMap((state) => (phases[state] === undefined ? [] : [{ state, ms: phases[state] }]));
  const times = spent.map(({ state, ms }) => `${state.toLowerCase()} ${duration(ms)}`);
  return times.join(', ') || 'just begun';
}

export function describe(status: Status): string {
  const { backupId, group, state, attempt, worker, host, uri, entryCount, startedAt, endedAt, phases, cut } = status;
  const { pausedMs, error, refusals, sharedWith } = status;
  const main = fields({
    backup: backupId,
    group,
    state,
    ...(error && { error: `${error.code}: ${error.message}` }),
    worker: worker === undefined ? null : `${worker} on ${host} (attempt ${attempt})`,
    files: uri,
    entries: entryCount,
    bytes: bytes(status.bytes),
    started: startedAt,
    ...(endedAt !== undefined && { ended: endedAt }),
    phases: phaseTimes(phases),
    ...(cut && {
      cut:
        Object.entries(cut)
          .map(([log, end]) => `${log} at ${end}`)
          .join(', ') || 'no logs',
    }),
    ...(pausedMs !== undefined && { paused: `writers, for ${duration(pausedMs)}` }),
    ...(sharedWith && { 'shared with': sharedWith.join(', ') }),
  });
  return [main, ...refusals.map(({ worker: by, reason }) => `refused by ${plain(by)}: ${plain(reason)}`)].join('\n');
}
