/** How a replica's record and its slots look as items. */
import type { Item, Key } from '../../store/item.ts';
import type { Action, Meta, Value } from '../protocol/replica.ts';
import { deflated, inflated, pack, unpack } from './slot-value.ts';

/**
 * A log that is created again under its name shares nothing with the one before: what comes late for that one is lost.
 */
export const logKey = (group: string, log: string, createdAt: number) =>
  `LOG#${group}#${log}#${createdAt.toString(36)}`;
export const metaKey = (pk: string): Key => ({ pk, sk: 'META' });
const slotPrefix = 'P#';
/** Twenty digits keep positions in order up to the largest safe integer and beyond. */
export const slotSortKey = (position: number) => `${slotPrefix}${String(position).padStart(20, '0')}`;
export const slotKey = (pk: string, position: number): Key => ({ pk, sk: slotSortKey(position) });

export interface StoredMeta {
  readonly meta: Meta;
  /** Rises with every change of the record: what was decided on it is conditioned on it. */
  readonly revision: number;
}

export function toMeta(item: Item | undefined): StoredMeta | undefined {
  if (!item) return undefined;
  const { pk: _, sk: __, revision, ...meta } = item;
  return { meta: meta as unknown as Meta, revision: revision as number };
}

/** Of a slot, apart from its value: what a write is conditioned on. Short names, since every slot carries them. */
export const slotState = ['n', 'by', 'p', 'pBy', 'staged', 'learned'] as const;

/** Stands for the ballot that is promised. */
const same = '=';

export function toAction(item: Item): Action {
  const promised = item['n'] as number;
  const promisedBy = item['by'] as string;
  const performed = item['p'] === same ? promised : (item['p'] as number | undefined);
  const performedBy = item['p'] === same ? promisedBy : (item['pBy'] as string);
  const value = toValue(item);
  return {
    position: Number(String(item['sk']).slice(slotPrefix.length)),
    promised,
    promisedBy,
    ...(performed !== undefined && { performed, performedBy }),
    ...(item['staged'] === true && { staged: true }),
    ...(item['learned'] === true && { learned: true }),
    ...(value && { value }),
  };
}

function toValue({ data, z, to, floor, requestId, nop }: Item): Value | undefined {
  if (z !== undefined) return { type: 'APPEND', ...unpack(inflated(z as Uint8Array)) };
  if (data !== undefined) return { type: 'APPEND', ...unpack(data as Uint8Array) };
  if (to !== undefined) {
    return { type: 'TRUNCATE', to: to as number, floor: floor as number, requestId: requestId as string };
  }
  if (nop === undefined) return undefined;
  return nop === 1 ? { type: 'NOP' } : { type: 'NOP', count: nop as number };
}

/** The attributes of a slot's item, apart from its key. */
export function toItem({ promised, promisedBy, performed, performedBy, staged, learned, value }: Action): Item {
  const isSame = performed === promised && performedBy === promisedBy;
  const ballot = isSame ? { p: same } : { p: performed, pBy: performedBy };
  return {
    n: promised,
    by: promisedBy,
    ...(performed !== undefined && ballot),
    ...(staged && { staged }),
    ...(learned && { learned }),
    ...(value && valueItem(value)),
  };
}

/** The same value goes to every replica. */
const packed = new WeakMap<Value, Item>();

function entriesItem(value: Value & { type: 'APPEND' }): Item {
  const known = packed.get(value);
  if (known) return known;
  const data = pack(value);
  const z = deflated(data);
  const item = z ? { z } : { data };
  packed.set(value, item);
  return item;
}

function valueItem(value: Value): Item {
  switch (value.type) {
    case 'APPEND':
      return entriesItem(value);
    case 'TRUNCATE':
      return { to: value.to, floor: value.floor, requestId: value.requestId };
    case 'NOP':
      return { nop: value.count ?? 1 };
  }
}
