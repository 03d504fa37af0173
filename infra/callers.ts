import { catalogue } from '../api/catalogue.ts';
import type { Caller, Operation } from '../api/operation.ts';
import { name } from '../api/schema.ts';

export type OperationName = keyof typeof catalogue;

const operations = Object.entries<Operation>(catalogue) as [OperationName, Operation][];

/** What a kind of caller may call in its group, as the operations declare it. */
export function operationsOf(caller: Caller): OperationName[] {
  return operations.filter(([, { callers }]) => callers.includes(caller)).map(([operation]) => operation);
}

export function isOfGroup(operation: OperationName): boolean {
  return catalogue[operation].path.includes('/{group}/');
}

/**
 * The resources of execute-api:Invoke below an API's ARN, each once. The group ends with a slash in every one, or a caller of `orders`
 * would reach `orders-2`; other names are left open, and a star of IAM takes slashes too. Throws for a group that is no name.
 */
export function resourcesFor(caller: Caller, group: string): string[] {
  name.parse(group);
  const written = operationsOf(caller).map((operation) => {
    const { method, path } = catalogue[operation];
    // Path by path an operator's would be more than many a policy takes.
    if (caller === 'operator') return `$default/${method}/v1/groups/${group}/*`;
    return `$default/${method}${path.replace('{group}', group).replaceAll(/\{\w+\}/g, '*')}`;
  });
  return [...new Set(written)].sort();
}
