/** An operation of the contract with what carries it out, whatever carries the call. */
import type * as z from 'zod/mini';
import type { Fence } from '../api/fence.ts';
import type { Operation } from '../api/operation.ts';

/** A call whose parts passed the operation's schemas. */
export interface Call<Declared extends Operation = Operation> {
  readonly params: z.output<Declared['params']>;
  readonly query: z.output<Declared['query']>;
  readonly body: z.output<Declared['body']>;
  readonly fence: Declared['fence'] extends 'required' ? Fence : Fence | undefined;
  readonly headers: { readonly [Name in keyof NonNullable<Declared['headers']>]: string };
  /** The same over the retries of one call. */
  readonly requestId: string;
  /** Who asks, and how long the service may take; in direct mode neither is known. */
  readonly caller?: string;
  remainingMs?(): number;
}

/** An operation, and what carries it out. */
export interface Performed {
  readonly operation: Operation;
  act(call: Call): Promise<unknown>;
}

/** Binds an operation to what carries it out. */
export const perform = <const Declared extends Operation>(
  operation: Declared,
  act: (call: Call<Declared>) => Promise<z.input<Declared['answer']>>,
): Performed => ({ operation, act: act as Performed['act'] });
