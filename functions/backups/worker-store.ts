import type * as z from 'zod';
import type { Worker } from './backup.ts';
import type { command } from './worker-schema.ts';

export type Command = z.output<typeof command>;

/** A command in a worker's mailbox, with the task token that its answer completes; the token never leaves the server. */
export interface Posted {
  readonly command: Command;
  readonly taskToken?: string | undefined;
}

/** The port of workers and their mailboxes. */
export interface WorkerStore {
  /** Registers the worker or keeps it registered. */
  touch(group: string, worker: Omit<Worker, 'busyWith'>): Promise<Worker>;
  remove(group: string, worker: string): Promise<Worker | undefined>;
  list(group: string): Promise<Worker[]>;
  /** Marks the worker as busy with a backup, or as idle. */
  occupy(group: string, worker: string, backupId: string | undefined): Promise<void>;
  post(group: string, worker: string, posted: Posted, expiresAt: number): Promise<void>;
  mailbox(group: string, worker: string): Promise<Posted[]>;
  /** Takes a command out of the mailbox; undefined when it is not there. */
  take(group: string, worker: string, commandId: string): Promise<Posted | undefined>;
}
