/** Rights of each kind of caller, as resources of execute-api:Invoke; the operations declare it. */
import { catalogue } from '../api/catalogue.ts';
import type { Caller, Operation } from '../api/operation.ts';
import { name } from '../api/schema.ts';

export type OperationName = keyof typeof catalogue;

const operations = Object.entries<Operation>(catalogue) as [OperationName, Operation][];

/** Operations that a kind of caller may call in its group. */
export function operationsOf(caller: Caller): OperationName[] {
  return operations.filter(([, { callers }]) => callers.includes(caller)).map(([operation]) => operation);
}

export function isOfGroup(operation: OperationName): boolean {
  return /\/\{group\}(\/|$)/.test(catalogue[operation].path);
}

/**
 * The resources of execute-api:Invoke below an API's ARN, each once: for each group, `orders`, or all whose names begin
 * alike, `team-*`. The group ends with a slash or with that star in every one, or a caller of `orders` would reach
 * `orders-2`; other names are left open, and a star of IAM takes slashes too. Throws for a group that is no name.
 */
export function resourcesFor(caller: Caller, groups: string | readonly string[]): string[] {
  const written = [groups].flat().flatMap((group) => {
    requireGroup(group);
    // Behind the star of a prefix, a shorter pattern would begin anywhere in a path. An operator's may.
    const exact = group.endsWith('*') && caller !== 'operator';
    const patterns = exact ? exactPatternsOf(caller) : patternsOf(caller);
    return patterns.map((pattern) => `$default/${pattern.replace('{group}', group)}`);
  });
  return [...new Set(written)].sort();
}

function requireGroup(group: string): void {
  if (!group.endsWith('*')) name.parse(group);
  else if (group !== '*') name.parse(group.slice(0, -1));
}

const exactPatternsOf = (caller: Caller) => operationsOf(caller).map((operation) => written(catalogue[operation]));

function patternsOf(caller: Caller): string[] {
  const wanted = operationsOf(caller);
  const exact = exactPatternsOf(caller).sort();
  const others = operations
    .filter(([one]) => isOfGroup(one) && !wanted.includes(one))
    .map(([, other]) => other)
    // The star for a name opens it already.
    .filter((other) => !exact.some((pattern) => fits(pattern, other)));
  return shortened(exact, others);
}

const written = ({ method, path }: Pick<Operation, 'method' | 'path'>) =>
  `${method}${path.replaceAll(/\{(?!group)\w+\}/g, '*')}`;

/**
 * A policy takes few characters, so where all that begins alike is the caller's, in every method or in one, it is one
 * pattern:
 * `POST/v1/groups/{group}/jobs/*`. A pattern that another operation would fit stays as it is.
 */
function shortened(exact: readonly string[], others: readonly Operation[]): string[] {
  const candidates = exact.flatMap(beginnings).filter((pattern) => !others.some((other) => fits(pattern, other)));
  const left = new Set(exact);
  const chosen: string[] = [];
  while (left.size > 0) {
    const best = candidates
      .map((pattern) => ({ pattern, covered: [...left].filter((one) => matches(pattern, one)) }))
      .toSorted((one, other) => other.covered.length - one.covered.length || one.pattern.length - other.pattern.length)
      .find(({ covered }) => covered.length > 1);
    if (!best)
      return [...chosen, ...left].filter((one, _, all) => !all.some((other) => other !== one && matches(other, one)));
    chosen.push(best.pattern);
    for (const one of best.covered) left.delete(one);
  }
  return chosen;
}

/** `GET/v1/groups/{group}/jobs/*` begins as `GET/v1/groups/{group}/jobs*`, and as that in every method. */
function beginnings(pattern: string): string[] {
  const [method, ...segments] = pattern.split('/');
  const ends = segments.map((_, at) => `${segments.slice(0, at + 1).join('/')}*`.replace('**', '*')).slice(3);
  return ['v1/groups/{group}/*', ...ends].flatMap((end) => [`${method}/${end}`, `*/${end}`]);
}

/** Whether a path of the operation can fit, whatever the names in it are: a star takes slashes too. */
const fits = (pattern: string, operation: Operation) => matches(pattern, written(operation).replaceAll('*', 'name'));

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(text);
}
