/**
 * The journal of a group: what was refused, who waits, what was ordered, counted by the minute. It never makes a
 * request of a leader dearer: what succeeds is not noted, but for a few orders. Its own cost is bounded where storms
 * are not: a process writes once a second for a group, and of all processes one within a second; those that lose
 * wait longer each time.
 *
 * Not guaranteed to be complete: notes that a process has counted and not written are lost with it.
 */
import type { Clock } from '../../store/clock.ts';
import type { Outcome } from '../platform/http.ts';
import { logger } from '../platform/logging.ts';
import { bytesOf, entryBytes, entryOf, otherRefusals } from './journal-items.ts';
import { noteOf } from './journal-notes.ts';
import type { JournalStore } from './journal-table.ts';
import { type Entries, minuteOf } from './journal-writes.ts';

const betweenWritesMs = 1_000;
const longestPauseMs = 32_000;
/** A contender that waits shows as long as this, and half as much again, after it was seen. */
const seenEveryMs = 60_000;
const mostGroups = 1_000;
/** With the keys an item stays below 1 KB: a write is one unit. */
const mostBytes = 780;

/** One process's notes of a group. */
interface Page {
  readonly counts: Map<string, number>;
  readonly values: Map<string, string | number>;
  /** When each contender was written last. */
  readonly writtenAt: Map<string, number>;
  /** The minute whose item is known to exist, and what stands there. */
  minute: number;
  entries: Entries;
  nextAt: number;
  pauseMs: number;
  isWriting: boolean;
  timer?: NodeJS.Timeout | undefined;
}

export interface JournalOptions {
  readonly store: JournalStore;
  readonly clock: Clock;
  readonly random?: () => number;
}

export class Journal {
  readonly #options: JournalOptions;
  readonly #pages = new Map<string, Page>();

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Resolves when the note is written, or kept for a later write. Never fails. */
  note(outcome: Outcome): Promise<void> | undefined {
    const note = noteOf(outcome);
    const { group } = outcome.params as { readonly group?: string };
    if (!note || group === undefined) return undefined;
    const now = this.#options.clock.now();
    const page = this.#pageOf(group);
    const { name, value } = entryOf(note, now);
    if (value === undefined) page.counts.set(name, (page.counts.get(name) ?? 0) + 1);
    else page.values.set(name, value);
    return this.#writeOrWait(group, page);
  }

  #pageOf(group: string): Page {
    const known = this.#pages.get(group);
    if (known) return known;
    const [oldest] = this.#pages.keys();
    if (this.#pages.size >= mostGroups && oldest !== undefined) {
      clearTimeout(this.#pages.get(oldest)?.timer);
      this.#pages.delete(oldest);
    }
    const page: Page = {
      counts: new Map(),
      values: new Map(),
      writtenAt: new Map(),
      minute: -1,
      entries: { counts: new Map(), values: new Map() },
      nextAt: 0,
      pauseMs: betweenWritesMs,
      isWriting: false,
    };
    this.#pages.set(group, page);
    return page;
  }

  /** When what has gathered is due; undefined for nothing. */
  #dueAt(page: Page): number | undefined {
    const news = page.counts.size > 0 || [...page.values.keys()].some((name) => !page.writtenAt.has(name));
    if (news) return page.nextAt;
    const times = [...page.values.keys()].map((name) => (page.writtenAt.get(name) ?? 0) + seenEveryMs);
    return times.length === 0 ? undefined : Math.max(page.nextAt, Math.min(...times));
  }

  #writeOrWait(group: string, page: Page): Promise<void> | undefined {
    const dueAt = this.#dueAt(page);
    if (dueAt === undefined || page.isWriting) return undefined;
    const waitMs = dueAt - this.#options.clock.now();
    clearTimeout(page.timer);
    page.timer = undefined;
    if (waitMs <= 0) return this.#write(group, page);
    // In Lambda it fires when the next request wakes the process.
    page.timer = setTimeout(() => void this.#write(group, page), waitMs).unref();
    return undefined;
  }

  async #write(group: string, page: Page): Promise<void> {
    const { store, clock, random = Math.random } = this.#options;
    page.timer = undefined;
    page.isWriting = true;
    const now = clock.now();
    const minute = minuteOf(now);
    const isNew = page.minute !== minute;
    if (isNew) page.entries = { counts: new Map(), values: new Map() };
    const taken = take(page);
    if (taken.counts.size + taken.values.size === 0) {
      page.isWriting = false;
      return;
    }
    page.nextAt = now + betweenWritesMs;
    try {
      const written = await (isNew ? store.begin(group, taken, now) : store.append(group, taken, now));
      page.entries = entriesIn(written.item ?? {});
      page.minute = written.item?.['minute'] === minute ? minute : -1;
      if (written.kind === 'written') {
        page.pauseMs = betweenWritesMs;
        for (const name of taken.values.keys()) tell(page, name, now);
      } else {
        putBack(page, taken);
        // Another process has begun the minute, which nobody could know, or writes in this second.
        page.pauseMs = isNew ? betweenWritesMs : Math.min(longestPauseMs, page.pauseMs * 2);
        page.nextAt = now + page.pauseMs * (isNew ? 1 : 0.5 + random());
      }
    } catch (error) {
      putBack(page, taken);
      page.pauseMs = Math.min(longestPauseMs, page.pauseMs * 2);
      page.nextAt = now + page.pauseMs;
      logger.warn('The journal could not be written', { group, error: error as Error });
    } finally {
      page.isWriting = false;
    }
    // Notes that came meanwhile, or were put back, wait for their time.
    if (page.nextAt > clock.now()) void this.#writeOrWait(group, page);
  }
}

/** Takes everything out, as far as the minute's item has room for it. */
function take(page: Page): Entries {
  const counts = new Map<string, number>();
  const values = new Map<string, string | number>();
  let room = mostBytes - bytesOf(page.entries);
  const fits = (name: string, value: string | number, isKnown: boolean) => {
    if (isKnown) return true;
    if (entryBytes(name, value) > room) return false;
    room -= entryBytes(name, value);
    return true;
  };
  for (const [name, count] of page.counts) {
    const own = fits(name, count, page.entries.counts.has(name)) ? name : otherRefusals;
    counts.set(own, (counts.get(own) ?? 0) + count);
  }
  for (const [name, value] of page.values)
    if (fits(name, value, page.entries.values.has(name))) values.set(name, value);
  page.counts.clear();
  page.values.clear();
  return { counts, values };
}

function putBack(page: Page, { counts, values }: Entries): void {
  for (const [name, count] of counts) page.counts.set(name, (page.counts.get(name) ?? 0) + count);
  for (const [name, value] of values) if (!page.values.has(name)) page.values.set(name, value);
}

/** A deed happens once; a waiting contender is noted again. */
function tell(page: Page, name: string, now: number): void {
  if (!name.startsWith('waiting|')) return;
  page.writtenAt.set(name, now);
  for (const [other, at] of page.writtenAt) if (at + 2 * seenEveryMs < now) page.writtenAt.delete(other);
}

function entriesIn(item: Readonly<Record<string, unknown>>): Entries {
  const counts = new Map<string, number>();
  const values = new Map<string, string | number>();
  for (const [name, value] of Object.entries(item)) {
    if (name.startsWith('refused|')) counts.set(name, Number(value));
    else if (/^(waiting|happened)\|/.test(name)) values.set(name, value as string | number);
  }
  return { counts, values };
}
