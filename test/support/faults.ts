/** An SDK middleware that does to requests what networks and stores do, by name of the command. */

import { setTimeout as pause } from 'node:timers/promises';
import { beyondMargins } from './margins.ts';

/** Longer than any round of a log. */
export const stalledMs = 20_000;

/** The part of an SDK client that takes middleware; the document, S3 and Step Functions clients all have it. */
interface Client {
  // biome-ignore lint/suspicious/noExplicitAny: every SDK client types its stack by its own unions
  middlewareStack: any;
}

export type Fault =
  /** The request takes effect and its answer never comes. */
  | 'answer lost'
  /** The request never arrives. */
  | 'request lost'
  /** The request arrives twice; the second answer is seen. */
  | 'duplicate'
  | 'throttle'
  /** A policy, or a key that is switched off, refuses the request. */
  | 'denied'
  /**
   * A dead connection: nothing arrives, and no answer comes for so long as a client waits without limits of its own.
   */
  | 'stall'
  | 'transaction conflict'
  /** The process ends before the request is sent, or after it took effect: nothing later of this client happens. */
  | 'crash before'
  | 'crash after';

export interface Sent {
  readonly command: string;
  readonly input: Record<string, unknown>;
  /**
   * As DynamoDB Local reports it: half of what AWS charges for a transactional write, nothing for a failed condition.
   */
  readonly capacity: number;
  readonly refused?: string;
}

/** Thrown where the process would have ended. */
export class CrashedError extends Error {
  override readonly name = 'CrashedError';
}

export interface Faults {
  /** Requests that reached the store, in order. */
  readonly sent: Sent[];
  /** Called for each request before it is sent; returns the fault to commit, if any. */
  plan: (command: string, input: Record<string, unknown>) => Fault | undefined;
  /** Plans the fault for the next request of that command only. */
  once(fault: Fault, command?: string): void;
  /** A client that crashed stays so until it is revived as a new process. */
  revive(): void;
}

/**
 * Puts the middleware on a client and asks every DynamoDB request for its capacity. Retries of the SDK pass through it
 * one by one.
 */
export function injectFaults(client: Client): Faults {
  let crashed = false;
  const faults: Faults = {
    sent: [],
    plan: () => undefined,
    once(fault, command) {
      const before = faults.plan;
      faults.plan = (name, input) => {
        if (command !== undefined && name !== command) return before(name, input);
        faults.plan = before;
        return fault;
      };
    },
    revive() {
      crashed = false;
    },
  };

  const crash = () => {
    crashed = true;
    return new CrashedError('The process ended here');
  };

  // biome-ignore lint/suspicious/noExplicitAny: as above
  const commit = (next: (args: any) => Promise<any>, context: { commandName?: string }) => async (args: any) => {
    const command = context.commandName ?? '';
    const beyond = command.endsWith('ObjectCommand') ? [] : beyondMargins(args.input);
    if (beyond.length > 0) throw new Error(`${command} leaves no quarter of a limit of DynamoDB: ${beyond.join('; ')}`);
    const send = async () => {
      const request = { command, input: args.input };
      try {
        const answer = await next(args);
        faults.sent.push({ ...request, capacity: capacityOf(answer.output) });
        return answer;
      } catch (error) {
        faults.sent.push({ ...request, capacity: 0, refused: (error as Error).name });
        throw error;
      }
    };
    if (crashed) throw new CrashedError('The process has ended');
    const { plan } = faults;
    const fault = faults.plan(command, args.input);
    if (fault === 'crash before') throw crash();
    if (fault === 'request lost') throw named('TimeoutError', 'The request was lost');
    if (fault === 'stall') {
      await pause(stalledMs, undefined, { ref: false });
      throw named('TimeoutError', 'The connection was dead');
    }
    if (fault === 'denied') throw named('AccessDeniedException', 'User is not authorized to perform this action');
    if (fault === 'throttle') throw named('ThrottlingException', 'Rate exceeded');
    if (fault === 'transaction conflict') throw conflict(command);
    if (fault === 'duplicate') await send().catch(() => undefined);
    const answer = await send().catch((error: unknown) => {
      // The store has not decided: the SDK tries again, and the fault is that try's.
      if (fault && !isDecision(error)) faults.plan = plan;
      throw error;
    });
    if (fault === 'crash after') throw crash();
    if (fault === 'answer lost') throw named('TimeoutError', 'The answer was lost');
    return answer;
  };
  client.middlewareStack.add(askForCapacity, { step: 'initialize', name: 'askForCapacity', override: true });
  client.middlewareStack.add(commit, { step: 'finalizeRequest', priority: 'low', name: 'faults', override: true });
  return faults;
}

function isDecision(error: unknown): boolean {
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return ($metadata?.httpStatusCode ?? 500) < 500;
}

// biome-ignore lint/suspicious/noExplicitAny: as above
const askForCapacity = (next: (args: any) => Promise<any>, context: { clientName?: string }) => async (args: any) => {
  if (context.clientName !== 'DynamoDBClient') return next(args);
  return next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
};

function capacityOf(output: { ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[] }): number {
  const consumed = [output?.ConsumedCapacity ?? []].flat();
  return consumed.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
}

function named(name: string, message: string, more: object = {}): Error {
  return Object.assign(new Error(message), { name, $fault: 'client', $metadata: {}, ...more });
}

function conflict(command: string): Error {
  if (command !== 'TransactWriteItemsCommand')
    return named('TransactionConflictException', 'Transaction is ongoing for the item');
  return named('TransactionCanceledException', 'Transaction cancelled', {
    CancellationReasons: [{ Code: 'TransactionConflict' }],
  });
}
