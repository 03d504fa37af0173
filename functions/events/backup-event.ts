import { type BackupRecord, isFinal } from '../backups/backup.ts';
import type { Change } from './change.ts';
import type { RawEvent } from './raw-event.ts';

/** A backup ends once. Heartbeats and later sharing are not events. */
export function backupEvent({ before, after }: Change): RawEvent | undefined {
  const [was, is] = [recordIn(before), recordIn(after)];
  if (!was || !is || isFinal(was) || !isFinal(is)) return undefined;
  const { backupId, state, entryCount, bytes, startedAt, endedAt, uri, error } = is;
  return {
    type: 'Backup Finished',
    backupId,
    state,
    entryCount,
    bytes,
    startedAt,
    at: endedAt,
    ...(uri === undefined ? {} : { uri }),
    ...(error === undefined ? {} : { errorCode: error.code }),
  };
}

const recordIn = (item: Change['before']) => item?.['record'] as BackupRecord | undefined;
