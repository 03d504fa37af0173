import type * as z from 'zod/mini';
import { backupState, type backupStatus, getBackup } from '../../api/operations/backups.ts';
import type { TenureClient } from '../../client/tenure-client.ts';
import { ExitError, exitCodes } from '../exit.ts';
import { bytes, duration, fields, plain } from '../output.ts';
import { progress } from '../progress.ts';
import type { Shell } from '../shell.ts';
import { endTimedOut, follow } from './follow.ts';

export type Status = z.output<typeof backupStatus>;

/** In the order in which a backup comes through them. */
const states = backupState.options;

export interface WaitOptions {
  json?: boolean;
  timeout: number;
}

/**
 * Shows a backup until it has ended; returns its last status. Ends the command with exit code 75 when the time is over.
 */
export async function waitForEnd(
  client: TenureClient,
  begun: Status,
  options: WaitOptions,
  shell: Shell,
): Promise<Status> {
  const { backupId, group } = begun;
  const params = { group, backup: backupId };
  const later = `continues without this command: follow it with tenure backup wait ${backupId} --group ${group}`;
  const bar = progress(
    shell,
    options,
    line(begun),
    () => `backup ${backupId} ${later}, end it with tenure backup cancel ${backupId} --group ${group}`,
  );
  try {
    const followed = await follow(begun, {
      client,
      look: () => client.call(getBackup, { params }),
      hasEnded,
      onStatus: (status) => bar.say(line(status), states.indexOf(status.state) / states.indexOf('COMPLETED')),
      onOutage: ({ message }) => bar.say(`waiting for the service: ${plain(message)}`),
      timeoutMs: options.timeout,
    });
    const { status } = followed;
    if (followed.kind === 'ended') {
      if (status.state === 'COMPLETED') bar.done(line(status));
      else bar.failed(line(status));
      return status;
    }
    bar.failed(`backup ${backupId} is ${status.state}`);
    if (!followed.outage) {
      shell.err(`tenure: backup ${backupId} is ${status.state} after ${duration(options.timeout)} and ${later}`);
    }
    return endTimedOut(followed.outage);
  } catch (error) {
    bar.failed(`backup ${backupId} continues without this command`);
    throw error;
  }
}

export const hasEnded = ({ state }: Status): boolean => state === 'COMPLETED' || state === 'FAILED';

/** Ends with code 1 for a backup that failed. */
export function failIfFailed({ state }: Status): void {
  if (state === 'FAILED') throw new ExitError(exitCodes.failed);
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
  const { target, pausedMs, error, refusals, sharedWith } = status;
  const main = fields({
    backup: backupId,
    group,
    state,
    ...(error && { error: `${error.code}: ${error.message}` }),
    worker: worker === undefined ? null : `${worker} on ${host} (attempt ${attempt})`,
    ...(target !== undefined && { target }),
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
