import type * as z from 'zod/mini';
import type { command } from '../../../api/operations/workers.ts';
import type { Cut } from '../../../log/protocol/cut.ts';
import type { Worker } from './candidates.ts';

export type Command = z.output<typeof command>;

export interface CommandAnswer {
  readonly accepted: boolean;
  readonly reason?: string | undefined;
  /** Where the worker's apply position is pinned. */
  readonly position?: Cut | undefined;
}

/** A command in a worker's mailbox. It stays there after its answer, so that a retry gets the same result. */
export interface Posted {
  readonly command: Command;
  /** Completed by the answer; it never leaves the server. */
  readonly taskToken?: string | undefined;
  /** Epoch ms; afterwards the worker does not get it any more. */
  readonly expiresAt: number;
  readonly answer?: CommandAnswer | undefined;
}

/** A worker's process; without an instance id, any process that is registered under the name. */
export interface Instance {
  readonly worker: string;
  readonly instanceId?: string | undefined;
}

export type Seen = 'registered' | 'unregistered' | 'replaced';

/** The port of workers and their mailboxes; every method is one request, lists are one per page. */
export interface WorkerStore {
  register(group: string, worker: Worker): Promise<void>;
  /** Keeps a registered worker registered. An instance that another one has replaced changes nothing. */
  noteSeen(group: string, name: Instance, at: number, expectedAfterMs: number): Promise<Seen>;
  /** Takes the one held poll of a worker until then; false while another poll has it. */
  hold(group: string, worker: string, now: number, until: number): Promise<boolean>;
  endHold(group: string, worker: string): Promise<void>;
  /** Notes that the worker let the service wait in vain. */
  silent(group: string, worker: string, at: number): Promise<void>;
  /** Nothing happens when another instance has registered since. */
  remove(group: string, name: Instance, now: number): Promise<void>;
  /** Strongly consistent, as all reads here. */
  find(group: string, worker: string): Promise<Worker | undefined>;
  list(group: string): Promise<Worker[]>;
  /** A command with the same id takes the place of the one before, and of its answer. */
  post(group: string, worker: string, posted: Posted): Promise<void>;
  posted(group: string, worker: string, commandId: string): Promise<Posted | undefined>;
  mailbox(group: string, worker: string): Promise<Posted[]>;
  /** Notes the answer; undefined when there is no such command, or it has been answered otherwise. */
  answer(group: string, worker: string, commandId: string, answer: CommandAnswer): Promise<Posted | undefined>;
  withdraw(group: string, worker: string, commandId: string, now: number): Promise<void>;
}
