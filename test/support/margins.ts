/**
 * A quarter of each limit of DynamoDB stays free: a request that a later field would bring over a limit fails the test
 * that sends it, long before a table refuses it.
 */
import { itemBytes } from './capacity.ts';

const share = 0.75;

const limits = {
  /** Bytes of one expression. */
  expression: 4_096,
  /** Operators and functions of an UpdateExpression. */
  operators: 300,
  /** Items of a transaction. */
  transaction: 100,
  /** Bytes of an item. */
  item: 409_600,
} as const;

const expressions = ['UpdateExpression', 'ConditionExpression', 'FilterExpression', 'KeyConditionExpression'] as const;

type Write = Readonly<Partial<Record<(typeof expressions)[number], string>>> & {
  readonly Item?: Parameters<typeof itemBytes>[0];
};

interface Input extends Write {
  readonly TransactItems?: readonly Readonly<Record<string, Write>>[];
}

/** The request's size, for each limit that has no quarter left. */
export function beyondMargins(input: Input): string[] {
  const found: string[] = [];
  const check = (what: string, value: number, limit: number) => {
    if (value > limit * share) found.push(`${what}: ${value} of ${limit}`);
  };
  const writes = [input, ...(input.TransactItems ?? []).flatMap((action) => Object.values(action))];
  for (const write of writes) {
    for (const name of expressions) check(name, Buffer.byteLength(write[name] ?? ''), limits.expression);
    const operators = write.UpdateExpression?.match(/[+(]| - /g) ?? [];
    check('operators of an UpdateExpression', operators.length, limits.operators);
    if (write.Item) check('bytes of an item', itemBytes(write.Item), limits.item);
  }
  check('items of a transaction', input.TransactItems?.length ?? 0, limits.transaction);
  return found;
}
