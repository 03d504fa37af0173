import type { ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { lostCondition, pastConflicts } from './store-errors.ts';

export type Item = Record<string, unknown>;

/** One condition that did not hold, by its place in the transaction (0 for a single write), with the item that won. */
export interface Loss {
  readonly at: number;
  readonly item: Item | undefined;
}

export type Conditional<Won> =
  | { readonly won: Won; readonly lost?: never }
  | { readonly won?: never; readonly lost: readonly Loss[] };

/** Carries out a conditional write past conflicts; lost conditions are answered with the items that won, not thrown. */
export function conditional<Won>(write: () => Promise<Won>): Promise<Conditional<Won>> {
  return tryOnce(pastConflicts(write));
}

/** The same of a write that is tried once. */
export async function tryOnce<Won>(write: Promise<Won>): Promise<Conditional<Won>> {
  try {
    return { won: await write };
  } catch (error) {
    if (!lostCondition(error)) throw error;
    return { lost: losses(error as ConditionalCheckFailedException | TransactionCanceledException) };
  }
}

interface Command {
  // biome-ignore lint/suspicious/noExplicitAny: every command types its stack by its own unions
  readonly middlewareStack: { add: (middleware: (next: any) => any, options: any) => void };
}

/** Has the client send this command once, whatever comes of it: its own retries are a middleware of this name. */
export function once<Sent extends Command>(command: Sent): Sent {
  const retries = { name: 'retryMiddleware', step: 'finalizeRequest', priority: 'high', override: true };
  command.middlewareStack.add((next) => next, retries);
  return command;
}

/** The document client leaves the items of its errors as raw attribute values. */
function losses(error: ConditionalCheckFailedException | TransactionCanceledException): Loss[] {
  if (!('CancellationReasons' in error)) {
    const { Item } = error as ConditionalCheckFailedException;
    return [{ at: 0, item: Item && unmarshall(Item) }];
  }
  return (error.CancellationReasons ?? []).flatMap(({ Code, Item }, at) =>
    Code === 'ConditionalCheckFailed' ? [{ at, item: Item && unmarshall(Item) }] : [],
  );
}
