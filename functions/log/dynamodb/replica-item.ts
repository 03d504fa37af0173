/** How a replica's record and its positions look as items. */
import type { Action, Meta, Value } from '../protocol/replica.ts';

export type Item = Record<string, unknown>;

export const logKey = (group: string, log: string) => `LOG#${group}#${log}`;
export const metaKey = 'META';
const positionPrefix = 'P#';
/** Twenty digits keep positions in order up to the largest safe integer and beyond. */
export const positionKey = (position: number) => `${positionPrefix}${String(position).padStart(20, '0')}`;

export interface StoredMeta {
  readonly meta: Meta;
  /** Rises with every change of the replica: what was decided on it is conditioned on it. */
  readonly revision: number;
}

export function toMeta(item: Item | undefined): StoredMeta | undefined {
  if (!item) return undefined;
  const { pk: _, sk: __, revision, ...meta } = item;
  return { meta: meta as unknown as Meta, revision: revision as number };
}

export function toAction({ sk, promised, promisedBy, performed, performedBy, learned, ...value }: Item): Action {
  return {
    position: Number(String(sk).slice(positionPrefix.length)),
    promised: promised as number,
    promisedBy: promisedBy as string,
    ...(performed !== undefined && { performed: performed as number, performedBy: performedBy as string }),
    ...(learned === true && { learned }),
    ...(value['type'] !== undefined && { value: toValue(value) }),
  };
}

function toValue({ type, data, to, requestId, index, tombstone }: Item): Value {
  if (type === 'APPEND') {
    return { type, data: data as Uint8Array, requestId: requestId as string, index: index as number };
  }
  if (type === 'TRUNCATE') return { type, to: to as number, requestId: requestId as string };
  return tombstone === true ? { type: 'NOP', tombstone } : { type: 'NOP' };
}

export function toItem(pk: string, { position, value, ...action }: Action): Item {
  return { pk, sk: positionKey(position), ...action, ...value };
}
