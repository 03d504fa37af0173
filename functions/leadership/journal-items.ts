/** The items of the journal. Pure. */
import type * as z from 'zod/mini';
import { deeds } from '../../api/deeds.ts';
import type { DeedDetails, journal } from '../../api/operations/journal.ts';
import { instant } from '../../store/clock.ts';
import type { Item } from '../../store/item.ts';
import type { Note } from './journal-notes.ts';
import { type Entries, minuteMs } from './journal-writes.ts';

export type JournalMinute = z.output<typeof journal.answer>['items'][number];

/** Where a note stands, and whether it is counted or replaced. */
export function entryOf(note: Note, now: number): { readonly name: string; readonly value?: string | number } {
  switch (note.kind) {
    case 'refused':
      return { name: `refused|${note.code}|${note.fencingVersion}|${note.request}` };
    case 'waiting':
      return { name: `waiting|${note.contenderId}`, value: now };
    case 'happened':
      return { name: `happened|${now}|${note.what}`, value: JSON.stringify(note.details) };
  }
}

/** For refusals that have no place of their own. */
export const otherRefusals = 'refused|other|0|other requests';

export function toMinute(item: Item): JournalMinute {
  const entries = Object.entries(item).map(([name, value]) => [name.split('|'), value] as const);
  return {
    at: instant(Number(item['minute']) * minuteMs),
    refused: entries.flatMap(([[kind, code = '', version, ...request], count]) =>
      kind === 'refused' && code !== '' && typeof count === 'number'
        ? [
            {
              request: request.join('|'),
              code,
              ...(Number(version) > 0 && { fencingVersion: Number(version) }),
              count,
            },
          ]
        : [],
    ),
    waiting: entries.flatMap(([[kind, contenderId = ''], seenAt]) =>
      kind === 'waiting' && typeof seenAt === 'number' ? [{ contenderId, seenAt: instant(seenAt) }] : [],
    ),
    happened: entries
      .flatMap(([[kind, at, what], details]) => {
        const deed = deeds.find((one) => one === what);
        return kind === 'happened' && deed ? [{ at: instant(Number(at)), what: deed, details: read(details) }] : [];
      })
      .sort((one, other) => (one.at < other.at ? -1 : 1)),
  };
}

/** Anything else than what the journal writes is left out: an item may have been edited by hand. */
function read(details: unknown): DeedDetails {
  try {
    return JSON.parse(String(details)) as DeedDetails;
  } catch {
    return {};
  }
}

/** As `itemBytes` of DynamoDB, to a few bytes. */
export const bytesOf = ({ counts, values }: Entries): number =>
  [...counts, ...values].reduce((sum, [name, value]) => sum + entryBytes(name, value), 0);

export const entryBytes = (name: string, value: string | number | undefined): number =>
  Buffer.byteLength(name) + (typeof value === 'string' ? Buffer.byteLength(value) : 9);
