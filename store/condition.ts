/**
 * The condition of a write as a small value. `expression.ts` renders it for DynamoDB; `holds` evaluates the same value
 * in memory, with DynamoDB's meaning: a comparison with a missing attribute or one of another type is false, except
 * `<>`, which is then true.
 */
import { assertNever } from '../api/assert-never.ts';
import {
  type AttributeType,
  attributeType,
  compareValues,
  type Item,
  type Path,
  sameValue,
  sizeOf,
  valueAt,
} from './item.ts';

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

/** One side of a comparison: a value, what an attribute holds, or how large it is. */
export type Operand =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'attribute'; readonly path: Path }
  | { readonly kind: 'size'; readonly path: Path };

export type Condition =
  | { readonly kind: 'exists'; readonly path: Path }
  | { readonly kind: 'absent'; readonly path: Path }
  | { readonly kind: 'type'; readonly path: Path; readonly type: AttributeType }
  | { readonly kind: 'compare'; readonly left: Operand; readonly is: Comparator; readonly right: Operand }
  | { readonly kind: 'one of'; readonly path: Path; readonly values: readonly unknown[] }
  | { readonly kind: 'between'; readonly path: Path; readonly from: string | number; readonly to: string | number }
  | { readonly kind: 'begins with'; readonly path: Path; readonly prefix: string }
  | { readonly kind: 'all'; readonly of: readonly Condition[] }
  | { readonly kind: 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition };

export const exists = (path: Path): Condition => ({ kind: 'exists', path });
export const absent = (path: Path): Condition => ({ kind: 'absent', path });
export const isType = (path: Path, type: AttributeType): Condition => ({ kind: 'type', path, type });
export const isOneOf = (path: Path, ...values: readonly unknown[]): Condition => ({ kind: 'one of', path, values });
/** Both ends included. */
export const between = <Bound extends string | number>(path: Path, from: Bound, to: Bound): Condition => ({
  kind: 'between',
  path,
  from,
  to,
});
export const beginsWith = (path: Path, prefix: string): Condition => ({ kind: 'begins with', path, prefix });
export const allOf = (...of: readonly Condition[]): Condition => ({ kind: 'all', of });
export const anyOf = (...of: readonly Condition[]): Condition => ({ kind: 'any', of });
export const not = (of: Condition): Condition => ({ kind: 'not', of });

/** An attribute's value, as the right side of a comparison or a part of an update. */
export const attribute = (path: Path): Operand => ({ kind: 'attribute', path });
export const size = (path: Path): Operand => ({ kind: 'size', path });
export const value = (given: unknown): Operand => ({ kind: 'value', value: given });

/**
 * `compare('expiresAt', '<', now)`: an attribute with a value; other sides are given by `attribute`, `size` and
 * `value`.
 */
export const compare = (
  left: Path | Operand,
  is: Comparator,
  right: string | number | boolean | Operand,
): Condition => ({
  kind: 'compare',
  left: isOperand(left) ? left : attribute(left),
  is,
  right: isOperand(right) ? right : value(right),
});

/** Short for the comparison that most conditions are made of. */
export const equals = (path: Path, right: string | number | boolean): Condition => compare(path, '=', right);

function isOperand(given: Path | string | number | boolean | Operand): given is Operand {
  return typeof given === 'object' && 'kind' in given;
}

/** Whether the condition holds for the item; undefined is an item that does not exist. */
export function holds(condition: Condition, item: Item | undefined): boolean {
  switch (condition.kind) {
    case 'exists':
      return valueAt(item, condition.path) !== undefined;
    case 'absent':
      return valueAt(item, condition.path) === undefined;
    case 'type':
      return attributeType(valueAt(item, condition.path)) === condition.type;
    case 'compare':
      return comparison(operandOf(condition.left, item), condition.is, operandOf(condition.right, item));
    case 'one of': {
      const found = valueAt(item, condition.path);
      return found !== undefined && condition.values.some((candidate) => sameValue(found, candidate));
    }
    case 'between': {
      const found = valueAt(item, condition.path);
      return comparison(found, '>=', condition.from) && comparison(found, '<=', condition.to);
    }
    case 'begins with': {
      const found = valueAt(item, condition.path);
      return typeof found === 'string' && found.startsWith(condition.prefix);
    }
    case 'all':
      return condition.of.every((part) => holds(part, item));
    case 'any':
      return condition.of.some((part) => holds(part, item));
    case 'not':
      return !holds(condition.of, item);
    default:
      return assertNever(condition);
  }
}

function operandOf(operand: Operand, item: Item | undefined): unknown {
  switch (operand.kind) {
    case 'value':
      return operand.value;
    case 'attribute':
      return valueAt(item, operand.path);
    case 'size':
      return sizeOf(valueAt(item, operand.path));
    default:
      return assertNever(operand);
  }
}

function comparison(left: unknown, is: Comparator, right: unknown): boolean {
  if (is === '=') return left !== undefined && right !== undefined && sameValue(left, right);
  if (is === '<>') return left === undefined || right === undefined || !sameValue(left, right);
  const order = compareValues(left, right);
  if (order === undefined) return false;
  if (is === '<') return order < 0;
  if (is === '<=') return order <= 0;
  return is === '>' ? order > 0 : order >= 0;
}
