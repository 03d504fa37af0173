import { systemClock } from '../../store/clock.ts';
import { documentClient } from '../platform/aws.ts';
import type { Noted } from '../platform/http.ts';
import { Journal } from './journal.ts';
import { journalTable } from './journal-table.ts';
import { journalSettings } from './settings.ts';

/**
 * A function's notes in the journal; undefined where the deployment keeps none. `answersFirst` is for requests by
 * which leaders and contenders live: then the write is begun and not waited for, and where Lambda stops the process
 * meanwhile it is carried out with the next request.
 */
export function journalFromEnvironment({ answersFirst = false } = {}): Noted | undefined {
  const { TENURE_TABLE, TENURE_JOURNAL } = journalSettings();
  if (TENURE_JOURNAL === 'off') return undefined;
  const journal = new Journal({ store: journalTable(documentClient(), TENURE_TABLE), clock: systemClock });
  return (outcome) => {
    const written = journal.note(outcome);
    return answersFirst ? undefined : written;
  };
}

/** The journal as its route reads it. */
export function journalReader() {
  const { TENURE_TABLE, TENURE_JOURNAL } = journalSettings();
  return { journal: journalTable(documentClient(), TENURE_TABLE), isKept: TENURE_JOURNAL === 'on', clock: systemClock };
}
