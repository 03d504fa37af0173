/**
 * Which change of the main table is which event. One change is one event at most, and everything in the event comes out of the
 * change: delivered again it is the same event, with the same id and sequence.
 */

import { details, eventVersion, type TenureEvent } from '../../api/events.ts';
import { backupPrefix } from '../backups/keys.ts';
import { jobPrefix } from '../jobs/keys.ts';
import { groupKey, leadershipKey } from '../leadership/keys.ts';
import { replicaPrefix } from '../log/dynamodb/keys.ts';
import { backupHappening } from './backup-event.ts';
import type { Change } from './change.ts';
import { jobHappening } from './job-event.ts';
import { leadershipHappening } from './leadership-event.ts';
import { type Happening, Unreadable } from './raw-event.ts';
import { replicaHappening } from './replica-event.ts';

const groupPrefix = groupKey('');
const leadershipSk = leadershipKey('').sk;

/** The event of a change, or none. Throws `Unreadable`, which names the members concerned but none of their values. */
export function eventOf(change: Change): TenureEvent | undefined {
  const happening = happeningOf(change);
  if (!happening) return undefined;
  const { type, ...members } = happening;
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
  throw new Unreadable(`${type}: ${[...new Set(wrong)].join(', ')} cannot be read`);
}

function happeningOf(change: Change): Happening | undefined {
  const { pk, sk } = change;
  if (!pk.startsWith(groupPrefix)) return undefined;
  if (sk === leadershipSk) return leadershipHappening(change);
  if (sk.startsWith(jobPrefix)) return jobHappening(change);
  if (sk.startsWith(backupPrefix)) return backupHappening(change);
  if (sk.startsWith(replicaPrefix)) return replicaHappening(change);
  return undefined;
}

function instantText(epochMs: unknown): string | undefined {
  const date = new Date(typeof epochMs === 'number' ? epochMs : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
