/** Items as the document client reads them, and DynamoDB's meaning of paths, types, equality and order. */
import { isDeepStrictEqual } from 'node:util';

/** Never changed in place, so that a reference is a snapshot. */
export type Item = Readonly<Record<string, unknown>>;

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** `holder.sessionId`, `checkpoints[0]`; as a list where a name holds a dot or a bracket itself. */
export type Path = string | readonly (string | number)[];

type Segments = readonly (string | number)[];

/** Paths are few, and written in the code: each is taken apart once. */
const known = new Map<string, Segments>();

/** The names and indexes of a path, in order. */
export function segments(path: Path): Segments {
  if (typeof path !== 'string') return path;
  const before = known.get(path);
  if (before) return before;
  const parts = path.split('.').flatMap((part) => {
    const [name = '', ...indexes] = part.split('[');
    return [name, ...indexes.map((index) => Number(index.slice(0, -1)))];
  });
  known.set(path, parts);
  return parts;
}

export function valueAt(item: Item | undefined, path: Path): unknown {
  let found: unknown = item;
  for (const segment of segments(path)) {
    if (typeof segment === 'number' ? !Array.isArray(found) : attributeType(found) !== 'M') return undefined;
    found = (found as Record<string | number, unknown>)[segment];
  }
  return found;
}

/** DynamoDB's names of types, as far as records use them. */
export type AttributeType = 'S' | 'N' | 'BOOL' | 'NULL' | 'L' | 'M' | 'B';

/** DynamoDB's name of the type; undefined for an attribute that is not there. */
export function attributeType(value: unknown): AttributeType | undefined {
  if (value === undefined) return undefined;
  if (value === null) return 'NULL';
  if (typeof value === 'string') return 'S';
  if (typeof value === 'number' || typeof value === 'bigint') return 'N';
  if (typeof value === 'boolean') return 'BOOL';
  if (ArrayBuffer.isView(value)) return 'B';
  return Array.isArray(value) ? 'L' : 'M';
}

export function sameValue(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other;
  return attributeType(one) === attributeType(other) && isDeepStrictEqual(stored(one), stored(other));
}

/** Below, at or above zero; undefined for values that have no order between them. */
export function compareValues(one: unknown, other: unknown): number | undefined {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  const type = attributeType(one);
  if (type !== attributeType(other)) return undefined;
  if (type === 'N') return Number(one) - Number(other);
  if (type === 'S') return Buffer.compare(Buffer.from(one as string), Buffer.from(other as string));
  return type === 'B' ? Buffer.compare(bytes(one), bytes(other)) : undefined;
}

/** Characters of a text, bytes of a binary value, entries of a list or a map; numbers have no size. */
export function sizeOf(value: unknown): number | undefined {
  switch (attributeType(value)) {
    case 'S':
      return (value as string).length;
    case 'B':
      return (value as Uint8Array).byteLength;
    case 'L':
      return (value as unknown[]).length;
    case 'M':
      return Object.keys(value as object).length;
    default:
      return undefined;
  }
}

/** The value as the document client would store it: attributes that are undefined are not there. */
export function stored<Value>(value: Value): Value {
  const type = attributeType(value);
  if (type === 'L') return (value as unknown[]).map(stored) as Value;
  if (type !== 'M') return value;
  const kept = Object.entries(value as object).filter(([, part]) => part !== undefined);
  return Object.fromEntries(kept.map(([name, part]) => [name, stored(part)])) as Value;
}

const bytes = (value: unknown) => value as Uint8Array;
