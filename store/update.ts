/**
 * The changes of a write as a small value: rendered for DynamoDB by `expression.ts`, applied here to an item in memory.
 */
import { assertNever } from '../api/assert-never.ts';
import { attributeType, type Item, type Path, segments, stored, valueAt } from './item.ts';

/** An attribute's new value. Every part is read from the item as it was before the update. */
export type Source =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'attribute'; readonly path: Path }
  | { readonly kind: 'if absent'; readonly path: Path; readonly otherwise: Source }
  | { readonly kind: 'plus'; readonly left: Source; readonly right: Source }
  | { readonly kind: 'append'; readonly left: Source; readonly right: Source };

export type Change =
  | { readonly kind: 'set'; readonly path: Path; readonly to: Source }
  | { readonly kind: 'remove'; readonly path: Path };

/** Changes of different attributes, all at once. */
export type Update = readonly Change[];

/** `set('leaseMs', 5_000)`; a value that is undefined leaves the attribute as it is. */
export function set(path: Path, to: unknown): Change[] {
  return to === undefined ? [] : [{ kind: 'set', path, to: sourceOf(to) }];
}

/** A name that is a path as it stands. */
const isPlain = /^\w+$/;

/** The same for several attributes, by name. */
export const setAll = (attributes: Readonly<Record<string, unknown>>): Change[] =>
  Object.entries(attributes).flatMap(([name, to]) => set(isPlain.test(name) ? name : [name], to));

export const remove = (...paths: readonly Path[]): Change[] => paths.map((path) => ({ kind: 'remove', path }));

/** Marks what the functions below make: a map that looks like a source is a value all the same. */
const made = Symbol('source');
const mark = { [made]: true };

function isSource(given: unknown): given is Source {
  return typeof given === 'object' && given !== null && made in given;
}

const sourceOf = (given: unknown): Source => (isSource(given) ? given : { kind: 'value', value: given });

export const attributeOf = (path: Path): Source => ({ kind: 'attribute', path, ...mark });
/** The attribute's current value, else the other. */
export const ifAbsent = (path: Path, otherwise: unknown): Source => ({
  kind: 'if absent',
  path,
  otherwise: sourceOf(otherwise),
  ...mark,
});
export const plus = (left: unknown, right: unknown): Source => ({
  kind: 'plus',
  left: sourceOf(left),
  right: sourceOf(right),
  ...mark,
});
export const append = (left: unknown, right: unknown): Source => ({
  kind: 'append',
  left: sourceOf(left),
  right: sourceOf(right),
  ...mark,
});

/** An update that does not fit the item, as DynamoDB refuses it. */
export class UnfitUpdateError extends Error {
  override readonly name = 'ValidationException';
}

/** The item after the update, a new one. @throws UnfitUpdateError where DynamoDB throws its ValidationException. */
export function updated(update: Update, before: Item): Item {
  const after: Record<string, unknown> = { ...before };
  for (const change of update) if (change.kind === 'remove') place(after, change.path, undefined);
  // Afterwards, so that a list grows behind what is removed.
  for (const change of update)
    if (change.kind === 'set') place(after, change.path, stored(evaluate(change.to, before)));
  return update.some(({ path }) => segments(path).some(isIndex)) ? (withoutGaps(after) as Item) : after;
}

/** Changes the item, a copy of whose first level it is. */
function place(item: Record<string, unknown>, path: Path, value: unknown): void {
  const [name = '', ...rest] = segments(path);
  const within = rest.length === 0 ? value : placed(item[name], rest, value);
  if (within === undefined) delete item[name];
  else item[name] = within;
}

const isIndex = (segment: string | number) => typeof segment === 'number';

function evaluate(from: Source, item: Item): unknown {
  switch (from.kind) {
    case 'value':
      return from.value;
    case 'attribute': {
      const found = valueAt(item, from.path);
      if (found === undefined) throw new UnfitUpdateError(`The item has no attribute ${segments(from.path).join('.')}`);
      return found;
    }
    case 'if absent': {
      // Also where it is not needed: DynamoDB refuses what it cannot evaluate.
      const otherwise = evaluate(from.otherwise, item);
      const found = valueAt(item, from.path);
      return found === undefined ? otherwise : found;
    }
    case 'plus': {
      const [left, right] = [evaluate(from.left, item), evaluate(from.right, item)];
      if (typeof left === 'number' && typeof right === 'number') return left + right;
      throw new UnfitUpdateError(`${JSON.stringify(left)} + ${JSON.stringify(right)} does not add two numbers`);
    }
    case 'append': {
      const [left, right] = [evaluate(from.left, item), evaluate(from.right, item)];
      if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
      throw new UnfitUpdateError(`${JSON.stringify(left)} and ${JSON.stringify(right)} are not two lists`);
    }
    default:
      return assertNever(from);
  }
}

/** A copy of the container with the value at the path; an undefined value removes it. */
function placed(container: unknown, [segment, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (typeof segment === 'number') return placedInList(container, segment, rest, value);
  if (typeof container !== 'object' || container === null || Array.isArray(container))
    throw new UnfitUpdateError(`There is no map that could hold the attribute ${segment}`);
  const map = container as Record<string, unknown>;
  const name = segment ?? '';
  if (rest.length === 0) {
    const { [name]: _, ...others } = map;
    return value === undefined ? others : { ...others, [name]: value };
  }
  return { ...map, [name]: placed(map[name], rest, value) };
}

/** Indexes are those of before: what is removed, or lies beyond the end, leaves a gap until all changes are made. */
function placedInList(container: unknown, at: number, rest: readonly (string | number)[], value: unknown): unknown {
  if (!Array.isArray(container)) throw new UnfitUpdateError(`There is no list that could hold an entry ${at}`);
  if (rest.length > 0 && at >= container.length) throw new UnfitUpdateError(`The list has no entry ${at}`);
  if (rest.length > 0) return container.with(at, placed(container[at], rest, value));
  const long = Array.from({ length: Math.max(container.length, at + 1) }, (_, index) => container[index]);
  return long.with(at, value);
}

function withoutGaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((entry) => entry !== undefined).map(withoutGaps);
  if (attributeType(value) !== 'M') return value;
  return Object.fromEntries(Object.entries(value as object).map(([name, part]) => [name, withoutGaps(part)]));
}
