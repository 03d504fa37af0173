/**
 * Maps a change of the main table to its event. A change is at most one event, and the event is made from the change
 * alone:
 * delivered again, it is the same event with the same id and sequence.
 */
import { details, eventVersion, type TenureEvent } from '../../api/events.ts';
import { groupKey, leadershipKey } from '../../leadership/keys.ts';
import { replicaPrefix } from '../../log/dynamodb/keys.ts';
import { backupPrefix } from '../backups/keys.ts';
import { jobPrefix } from '../jobs/keys.ts';
import { backupEvent } from './backup-event.ts';
import type { Change } from './change.ts';
import { jobEvent } from './job-event.ts';
import { leadershipEvent } from './leadership-event.ts';
import { type RawEvent, UnreadableChangeError } from './raw-event.ts';
import { replicaEvent } from './replica-event.ts';

const groupPrefix = groupKey('');
const leadershipSk = leadershipKey('').sk;

/**
 * The event of a change, or none. Throws `UnreadableChangeError`, which names the members concerned but none of their
 * values.
 */
export function eventOf(change: Change): TenureEvent | undefined {
  const raw = rawEventOf(change);
  if (!raw) return undefined;
  const { type, ...members } = raw;
  const { id, sequence, pk } = change;
  const instants = Object.entries(members).filter(([member]) => member === 'at' || member.endsWith('At'));
  const checked = details[type].safeParse({
    version: eventVersion,
    id,
    sequence,
    group: pk.slice(groupPrefix.length),
    ...members,
    ...Object.fromEntries(instants.map(([member, epochMs]) => [member, instantText(epochMs)])),
  });
  if (checked.success) return { type, detail: checked.data };
  const wrong = checked.error.issues.map(({ path }) => path.join('.'));
  throw new UnreadableChangeError(`${type}: ${[...new Set(wrong)].join(', ')} cannot be read`);
}

function rawEventOf(change: Change): RawEvent | undefined {
  const { pk, sk } = change;
  if (!pk.startsWith(groupPrefix)) return undefined;
  if (sk === leadershipSk) return leadershipEvent(change);
  if (sk.startsWith(jobPrefix)) return jobEvent(change);
  if (sk.startsWith(backupPrefix)) return backupEvent(change);
  if (sk.startsWith(replicaPrefix)) return replicaEvent(change);
  return undefined;
}

function instantText(epochMs: unknown): string | undefined {
  const date = new Date(typeof epochMs === 'number' ? epochMs : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
