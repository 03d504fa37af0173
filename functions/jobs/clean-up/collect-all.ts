/** The scheduled run of the orphan collector over all groups. */
import { isUnavailable } from '../../../store/store-errors.ts';
import { logger } from '../../platform/logging.ts';
import { payloadPrefix } from '../payloads/upload.ts';
import { AnyOf } from './any-of.ts';
import { type Collected, type Collector, collectListed, prefixOf } from './collector.ts';

export interface Run {
  scanned: number;
  orphans: number;
  bytes: number;
}

/** Three tries of a listing, a minute, and what is then done about its page. */
const pageMs = 100_000;
/** Pages that are looked at in one group before it is the next one's turn. */
const portion = 50;

/**
 * Looks at a portion of each group's payloads, all around from where the last run stopped or else from a random group
 * on, then at further portions of those that have more, while there is time. Each group keeps its place, so that none
 * keeps the others waiting, nor its own first payloads the later ones. A page that S3 does not list in time ends the
 * run; the next one continues after the group that is in the way, whose orphans wait for the next round.
 */
export async function collectAll(room: Collector, remainingMs: () => number, random = Math.random): Promise<Run> {
  const round = new Round(room, () => remainingMs() > pageMs, random);
  if (await round.everyGroup()) await round.rest();
  return round.run;
}

class Round {
  readonly run: Run = { scanned: 0, orphans: 0, bytes: 0 };
  readonly #room: Collector;
  readonly #hasTime: () => boolean;
  readonly #random: () => number;
  /** Groups with more than their portion. */
  readonly #busy = new Set<string>();
  /** The group whose turn it is, when it has more than fits in the page where it begins. */
  #turn: { readonly group: string; readonly hasPlace: boolean; pages: number } | undefined;

  constructor(room: Collector, hasTime: () => boolean, random: () => number) {
    this.#room = room;
    this.#hasTime = hasTime;
    this.#random = random;
  }

  /** Returns whether it has come around. */
  async everyGroup(): Promise<boolean> {
    const { registry } = this.#room;
    const start = (await registry.readPlace()) ?? (await this.#anyGroup());
    const place = await this.#begin(groupOf(start));
    let after = place !== undefined && start !== undefined && place > start ? place : start;
    let fromTheTop = start === undefined;
    let isAround = false;
    do {
      const page = await this.#page(after);
      after = page ? await this.#placeAfter(page) : await behindNext(this.#room, after);
      isAround = fromTheTop && (after === undefined || (start !== undefined && after >= start));
      await registry.writePlace(isAround ? undefined : after);
      if (!page) return false;
      fromTheTop ||= after === undefined;
    } while (!isAround && this.#hasTime());
    return isAround;
  }

  /** Before all keys of a random group; undefined when there is none. */
  async #anyGroup(): Promise<string | undefined> {
    const any = new AnyOf<string>(this.#random);
    for await (const group of this.#room.registry.groups()) any.offer(group);
    return any.chosen && `${payloadPrefix}${any.chosen}/`;
  }

  async rest(): Promise<void> {
    while (this.#busy.size > 0) {
      for (const group of this.#busy) {
        if (!this.#hasTime()) return;
        if (await this.#portionOf(group)) this.#busy.delete(group);
      }
    }
  }

  /** Where the round continues after the page. */
  async #placeAfter({ next }: Collected): Promise<string | undefined> {
    const group = groupOf(next);
    if (group !== this.#turn?.group) {
      if (this.#turn?.hasPlace) await this.#room.registry.writePlace(undefined, this.#turn.group);
      const place = await this.#begin(group);
      return place !== undefined && next !== undefined && place > next ? place : next;
    }
    if (!this.#turn || this.#turn.pages + 1 < portion) {
      if (this.#turn) this.#turn.pages += 1;
      return next;
    }
    const { group: busy } = this.#turn;
    await this.#room.registry.writePlace(next, busy);
    this.#busy.add(busy);
    this.#turn = undefined;
    return behind(busy);
  }

  /** Returns where its turn before ended, if that was before its last payload. */
  async #begin(group: string | undefined): Promise<string | undefined> {
    const place = group === undefined ? undefined : await this.#room.registry.readPlace(group);
    this.#turn = group === undefined ? undefined : { group, hasPlace: place !== undefined, pages: 1 };
    return place;
  }

  /** Returns whether nothing is left of the group, or nothing of it can be listed. */
  async #portionOf(group: string): Promise<boolean> {
    const { registry } = this.#room;
    let after = await registry.readPlace(group);
    for (let pages = 0; pages < portion && this.#hasTime(); pages += 1) {
      const page = await this.#page(after, group);
      if (!page) return true;
      after = page.next;
      if (after === undefined) break;
    }
    await registry.writePlace(after, group);
    return after === undefined;
  }

  async #page(after: string | undefined, group?: string): Promise<Collected | undefined> {
    const listed = await listedAfter(this.#room, after, group);
    if (!listed) return undefined;
    const page = await collectListed(this.#room, listed, false);
    this.run.scanned += page.scanned;
    this.run.orphans += page.orphans.length;
    this.run.bytes += page.orphans.reduce((sum, { bytes }) => sum + bytes, 0);
    return page;
  }
}

async function listedAfter({ payloads }: Collector, after: string | undefined, group: string | undefined) {
  try {
    return await payloads.list(prefixOf(group), after);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    logger.error('Payloads could not be listed; the next run passes over the group that comes', {
      after,
      error: error as Error,
    });
    return undefined;
  }
}

/**
 * Behind all keys of the group that comes after the key, where no key can be: the rest of the key's own, and where that
 * was passed over already, the next one. S3 cannot say which that is. Undefined, which is the beginning, when there is
 * no other.
 */
async function behindNext({ registry }: Collector, key = ''): Promise<string | undefined> {
  const group = groupOf(key);
  if (group !== undefined) return behind(group);
  let next: string | undefined;
  for await (const name of registry.groups()) {
    // Names are ordered otherwise than keys, in which a `/` follows them.
    const passed = behind(name);
    if (passed > key && (next === undefined || passed < next)) next = passed;
  }
  return next;
}

/** Undefined for no key, and for one that is behind a group. */
function groupOf(key = ''): string | undefined {
  const end = key.indexOf('/', payloadPrefix.length);
  return end === -1 ? undefined : key.slice(payloadPrefix.length, end);
}

/** In order of keys the character after `/` is `0`. */
const behind = (group: string) => `${payloadPrefix}${group}0`;
