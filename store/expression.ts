/**
 * Renders conditions and updates to DynamoDB's expressions. Every name and value goes by a placeholder, so that no
 * reserved word matters.
 */
import { assertNever } from '../api/assert-never.ts';
import type { Condition, Operand } from './condition.ts';
import { type Path, sameValue, segments } from './item.ts';
import type { Change, Source, Update } from './update.ts';

/** The placeholders of one request: its expressions share them. */
export class Placeholders {
  readonly #names = new Map<string, string>();
  readonly #values: unknown[] = [];
  /** Short placeholders, and no spaces. */
  readonly #compact: boolean;

  constructor({ compact = false }: { readonly compact?: boolean | undefined } = {}) {
    this.#compact = compact;
  }

  path(path: Path): string {
    return segments(path)
      .map((segment, at) =>
        typeof segment === 'number' ? `[${segment}]` : `${at === 0 ? '' : '.'}${this.#name(segment)}`,
      )
      .join('');
  }

  /** The name itself where it can stand in a placeholder: an expression in a log can then be read. */
  #name(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const placeholder = this.#compact
      ? `#${this.#names.size.toString(36)}`
      : /^\w+$/.test(name)
        ? `#${name}`
        : `#n_${this.#names.size}`;
    this.#names.set(name, placeholder);
    return placeholder;
  }

  /** The text between two parts. */
  between(mark: ',' | '='): string {
    if (this.#compact) return mark;
    return mark === ',' ? ', ' : ' = ';
  }

  value(value: unknown): string {
    const known = this.#values.findIndex((other) => sameValue(other, value));
    return `:v${known === -1 ? this.#values.push(value) - 1 : known}`;
  }

  attributes() {
    const values = Object.fromEntries(this.#values.map((value, at) => [`:v${at}`, value]));
    const names = Object.fromEntries([...this.#names].map(([name, placeholder]) => [placeholder, name]));
    return {
      ...(this.#names.size > 0 && { ExpressionAttributeNames: names }),
      ...(this.#values.length > 0 && { ExpressionAttributeValues: values }),
    };
  }
}

export function renderCondition(condition: Condition, to: Placeholders): string {
  switch (condition.kind) {
    case 'exists':
      return `attribute_exists(${to.path(condition.path)})`;
    case 'absent':
      return `attribute_not_exists(${to.path(condition.path)})`;
    case 'type':
      return `attribute_type(${to.path(condition.path)}, ${to.value(condition.type)})`;
    case 'compare':
      return `${renderOperand(condition.left, to)} ${condition.is} ${renderOperand(condition.right, to)}`;
    case 'one of':
      return `${to.path(condition.path)} IN (${condition.values.map((value) => to.value(value)).join(', ')})`;
    case 'between':
      return `${to.path(condition.path)} BETWEEN ${to.value(condition.from)} AND ${to.value(condition.to)}`;
    case 'begins with':
      return `begins_with(${to.path(condition.path)}, ${to.value(condition.prefix)})`;
    case 'all':
      return joined(condition.of, ' AND ', to);
    case 'any':
      return joined(condition.of, ' OR ', to);
    case 'not':
      return `NOT (${renderCondition(condition.of, to)})`;
    default:
      return assertNever(condition);
  }
}

/** @throws RangeError for no condition at all: DynamoDB knows none that always holds. */
function joined(parts: readonly Condition[], by: string, to: Placeholders): string {
  const [only, ...others] = parts;
  if (!only) throw new RangeError('A condition of no parts cannot be rendered');
  if (others.length === 0) return renderCondition(only, to);
  return parts.map((part) => nested(part, to)).join(by);
}

function nested(part: Condition, to: Placeholders): string {
  const text = renderCondition(part, to);
  return part.kind === 'all' || part.kind === 'any' ? `(${text})` : text;
}

function renderOperand(operand: Operand, to: Placeholders): string {
  switch (operand.kind) {
    case 'value':
      return to.value(operand.value);
    case 'attribute':
      return to.path(operand.path);
    case 'size':
      return `size(${to.path(operand.path)})`;
    default:
      return assertNever(operand);
  }
}

export function renderUpdate(update: Update, to: Placeholders): string {
  const sets = update.flatMap((change) => (change.kind === 'set' ? [renderSet(change, to)] : []));
  const removes = update.flatMap((change) => (change.kind === 'remove' ? [to.path(change.path)] : []));
  return [
    ...(sets.length > 0 ? [`SET ${sets.join(to.between(','))}`] : []),
    ...(removes.length > 0 ? [`REMOVE ${removes.join(', ')}`] : []),
  ].join(' ');
}

function renderSet({ path, to: source }: Change & { kind: 'set' }, to: Placeholders): string {
  return `${to.path(path)}${to.between('=')}${renderSource(source, to)}`;
}

function renderSource(source: Source, to: Placeholders): string {
  switch (source.kind) {
    case 'value':
      return to.value(source.value);
    case 'attribute':
      return to.path(source.path);
    case 'if absent':
      return `if_not_exists(${to.path(source.path)}${to.between(',')}${renderSource(source.otherwise, to)})`;
    case 'plus':
      return `${renderSource(source.left, to)} + ${renderSource(source.right, to)}`;
    case 'append':
      return `list_append(${renderSource(source.left, to)}, ${renderSource(source.right, to)})`;
    default:
      return assertNever(source);
  }
}
