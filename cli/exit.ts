import { CommanderError } from 'commander';
import { LeadershipLostError } from '../client/leadership/loss.ts';
import { TenureError } from '../client/tenure-error.ts';
import { inWords } from './words.ts';

/** Exit codes, after sysexits.h; `tenure lead` ends with the code of its command otherwise. */
export const exitCodes = {
  ok: 0,
  /** The service refused; the message says why. */
  failed: 1,
  usage: 64,
  unreachable: 69,
  /** An error of tenure itself. */
  internal: 70,
  /** Standard output cannot be written. */
  unprinted: 74,
  /** Leadership was lost, or is held by another: worth trying again. */
  notLeader: 75,
  /** The time that --timeout gives was over before the end. */
  timedOut: 75,
  forbidden: 77,
} as const;

/** The command line, or the environment, is not usable. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Ends the command with a code of its own; without a message everything has been printed already. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  constructor(
    readonly code: number,
    message = '',
  ) {
    super(message);
  }
}

const byCode: Readonly<Record<string, number>> = {
  unreachable: exitCodes.unreachable,
  unavailable: exitCodes.unreachable,
  throttled: exitCodes.unreachable,
  unexpected_answer: exitCodes.unreachable,
  invalid_request: exitCodes.usage,
  forbidden: exitCodes.forbidden,
  leadership_lost: exitCodes.notLeader,
  leadership_held: exitCodes.notLeader,
  fenced: exitCodes.notLeader,
};

/** The exit code of an error, and its message; none when it has been printed already. */
export function explain(error: unknown): { exitCode: number; message?: string; code?: string } {
  if (error instanceof ExitError) return { exitCode: error.code, ...(error.message && { message: error.message }) };
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? exitCodes.ok : exitCodes.usage };
  if (error instanceof UsageError) return { exitCode: exitCodes.usage, message: error.message, code: 'usage' };
  if (error instanceof LeadershipLostError) {
    return { exitCode: exitCodes.notLeader, message: error.message, code: error.code };
  }
  if (error instanceof TenureError) {
    return { exitCode: byCode[error.code] ?? exitCodes.failed, message: inWords(error), code: error.code };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: exitCodes.internal, message, code: 'internal' };
}
