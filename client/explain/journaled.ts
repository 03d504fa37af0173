/** Entries that the group's journal and its events add to the timeline. Pure. */
import { assertNever } from '../../api/assert-never.ts';
import { endOf } from './causes.ts';
import type { Draft } from './entry.ts';
import type { Facts, JournalMinute, Restore } from './facts.ts';
import { type Tenure, tenuresOf } from './tenures.ts';
import { span, time } from './words.ts';

type Happened = JournalMinute['happened'][number];
export type Refused = JournalMinute['refused'][number];

export function journalEntries(facts: Facts): Draft[] {
  const tenures = tenuresOf(facts.terms);
  return [
    ...(facts.journal?.items ?? []).flatMap((minute) => [
      ...minute.refused.map((refused) => refusedEntry(minute, refused, tenures, facts)),
      ...minute.happened.flatMap((happened) => happenedEntry(happened, facts)),
    ]),
    ...(facts.restores ?? []).flatMap(restoreEnd),
    ...(facts.events ?? []).flatMap(eventEntry),
  ];
}

const minuteMs = 60_000;

function refusedEntry(
  { at }: JournalMinute,
  { request, code, fencingVersion, count }: Refused,
  tenures: readonly Tenure[],
  { now }: Facts,
): Draft {
  const minute = Date.parse(at);
  const own = tenures.find(({ version }) => version === fencingVersion);
  const ended = own?.endedAt ?? 0;
  const isLease = request.includes(' leadership/');
  const times = count === 1 ? 'once' : `${count} times`;
  const which = fencingVersion === undefined ? '' : ` of version ${fencingVersion}`;
  const who = own ? ` (${own.contenderId})` : '';
  const next = tenures.find(({ version }) => version > (fencingVersion ?? 0));
  return {
    // The journal counts by the minute; no refusal comes before the end of its term.
    at: ended > minute && ended < minute + minuteMs ? ended : minute,
    kind: 'refused',
    text: `${isLease ? 'a lease was lost: ' : ''}${request}${which}${who} refused ${times}`,
    because: own?.endedAt === undefined ? reasons[code] : endOf(own, now).because,
    evidence: [
      `counted by the journal in the minute from ${time(minute, now)}, code ${code}`,
      ...(own?.endedAt === undefined ? [] : [`version ${own.version} had ended at ${time(own.endedAt, now)}`]),
      ...(next
        ? [`${next.contenderId} was confirmed with version ${next.version} at ${time(next.confirmedAt, now)}`]
        : []),
    ],
  };
}

/** Of refusals whose term is not known. */
const reasons: Readonly<Record<string, string>> = {
  leadership_lost: 'its term was not, or no longer, the running one',
  fenced: 'a newer term had touched the job',
  exclusivity_lost: 'its position had been settled without it',
  other: 'the journal had no room to tell them apart',
};

function happenedEntry({ at, what, details }: Happened, { now, terms }: Facts): Draft[] {
  const { log, replica, fencingVersion, ballot, position, contenderId, successor, jobs, damaged } = details;
  const by = fencingVersion === undefined ? [] : [`by fencing version ${fencingVersion}`];
  const made = (kind: Draft['kind'], text: string, evidence: readonly string[] = by, because?: string): Draft[] => [
    { at: Date.parse(at), kind, text, evidence, because },
  ];
  switch (what) {
    case 'hand-over-asked': {
      const to = successor === undefined ? 'the first to contend' : `${successor}`;
      const own = terms.find((term) => term.fencingVersion === fencingVersion);
      const came = own?.endedAt
        ? [`the term ended ${span(Date.parse(own.endedAt) - Date.parse(at))} later: ${own.endReason}`]
        : [`${contenderId} has not resigned yet: it hears of it with its next renewal`];
      const text = `an operator asked ${contenderId} to hand version ${fencingVersion} over to ${to}`;
      return made('hand-over', text, came);
    }
    case 'jobs-recovered': {
      const found = damaged ? [`${damaged} of them damaged`] : [];
      const text = `${jobs === 1 ? '1 job' : `${jobs} jobs`} recovered with the newest checkpoints`;
      return made('recovery', text, [...by, ...found], 'a leader claims the active jobs before it is confirmed');
    }
    case 'writer-elected':
      return made('election', `a writer of log ${log} was elected with ballot ${ballot}`, [
        ...by,
        `the log ended at position ${position}; earlier writers are refused from then on`,
      ]);
    case 'replicas-changed': {
      const parts = (['add', 'remove'] as const).flatMap((part) => (details[part] ? [`${part} ${details[part]}`] : []));
      const waits = details.waitsFor ? [`it waits for ${details.waitsFor}`] : [];
      const text = details.cancel
        ? `the change of the replicas of log ${log} was cancelled`
        : `the replicas of log ${log} were changed${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
      return made('configuration', text, waits, 'an operator asked for it');
    }
    case 'replica-initialized':
      return made('configuration', `replica ${replica} of log ${log} was initialised`, [], 'an operator asked for it');
    case 'replica-recovery':
      return made('recovery', `the recovery of replica ${replica} of log ${log} began`, [], 'an operator asked for it');
    case 'replica-recovery-cancelled':
      return made('recovery', `the recovery of replica ${replica} of log ${log} was cancelled`, []);
    case 'restore-begun': {
      const of = details.backupId ?? details.uri ?? 'a backup';
      const text = `the restore ${short(details.restoreId)} of ${of} began`;
      return made('restore', text, ['contenders are refused until it has ended'], 'an operator asked for it');
    }
    case 'restore-abandoned':
      return made(
        'restore',
        `the restore ${short(details.restoreId)} was abandoned at ${time(Date.parse(at), now)}`,
        [],
      );
    default:
      return assertNever(what);
  }
}

const short = (id: string | undefined) => (id ?? '').slice(0, 8);

function restoreEnd({ restoreId, state, startedAt, endedAt, restoredEntries, entryCount, error }: Restore): Draft[] {
  if (!endedAt) return [];
  const took = span(Date.parse(endedAt) - Date.parse(startedAt));
  return [
    {
      at: Date.parse(endedAt),
      kind: 'restore',
      text: `the restore ${short(restoreId)} ${state === 'COMPLETED' ? 'completed' : `ended as ${state}`} after ${took}`,
      because: error?.message,
      evidence: [`${restoredEntries} of ${entryCount} entries`],
    },
  ];
}

/** Of the events those that no record keeps: a replica shows only its status of now. */
function eventEntry(event: NonNullable<Facts['events']>[number]): Draft[] {
  if (event.type !== 'Replica Status Changed') return [];
  const { log, replica, status, previousStatus } = event as unknown as Record<string, unknown>;
  // The founding of a log says that already.
  if (previousStatus === undefined && status === 'VOTING') return [];
  const text =
    previousStatus === undefined
      ? `replica ${replica} of log ${log} is seen for the first time, as ${status}`
      : `replica ${replica} of log ${log} went from ${previousStatus} to ${status}`;
  const isRecovery = previousStatus === 'RECOVERING' || status === 'RECOVERING';
  const evidence = [`the event of ${event.at}`];
  return [{ at: Date.parse(event.at), kind: isRecovery ? 'recovery' : 'configuration', text, evidence }];
}
