import type { Loss } from '../../client/leadership/loss.ts';
import type { Term } from '../../client/leadership/term.ts';
import type { TenureError } from '../../client/tenure-error.ts';
import { explain } from '../exit.ts';
import { duration, plain } from '../output.ts';
import type { Shell } from '../shell.ts';
import type { Ending } from './command.ts';

/** Reports what `tenure lead` does, on standard error: standard output belongs to the command. */
export class Report {
  readonly #shell: Shell;
  readonly #json: boolean;
  readonly #group: string;
  #waitedFor: string | undefined;
  #lastError: string | undefined;

  constructor(shell: Shell, json: boolean, group: string) {
    this.#shell = shell;
    this.#json = json;
    this.#group = group;
  }

  waiting(held: TenureError): void {
    const { holder } = held.members as { holder?: { contenderId?: string; fencingVersion?: number } };
    const who = holder ? `${holder.contenderId} leads with fencing version ${holder.fencingVersion}` : held.message;
    // Once for each leader, not for each time it renews.
    if (who === this.#waitedFor) return;
    this.#waitedFor = who;
    this.#say('waiting', `waiting: ${who}`, { holder, retryAfterMs: held.retryAfterMs });
  }

  granted({ fencingVersion, sessionId }: Term): void {
    this.#waitedFor = undefined;
    this.#say('granted', `leading with fencing version ${fencingVersion}`, { fencingVersion, sessionId });
  }

  confirmed({ fencingVersion }: Term): void {
    this.#say('confirmed', 'confirmed: shown as the leader', { fencingVersion });
  }

  suspended(term: Term): void {
    const leftMs = Math.max(0, Math.round(term.remainingMs()));
    this.#say('suspended', `the lease is not being renewed, it ends in ${duration(leftMs)}`, { leftMs });
  }

  reconnected({ fencingVersion }: Term): void {
    this.#say('reconnected', 'the lease is renewed again', { fencingVersion });
  }

  lost({ fencingVersion }: Term, { reason, detail, currentVersion }: Loss): void {
    this.#say('lost', `lost leadership (${reason}): ${detail}`, { fencingVersion, reason, currentVersion });
  }

  ended({ text, code }: Ending): void {
    this.#say('ended', `the command ${text}`, { code });
  }

  note(text: string): void {
    this.#say('note', text, {});
  }

  error(error: unknown): void {
    const { message = String(error), code } = explain(error);
    // A message that repeats, while nothing else happens, is printed once.
    if (message !== this.#lastError) this.#say('error', message, { code });
    this.#lastError = message;
  }

  #say(event: string, text: string, more: object): void {
    this.#lastError = undefined;
    const at = new Date().toISOString();
    if (this.#json) this.#shell.err(JSON.stringify({ at, event, group: this.#group, ...more, text }));
    else this.#shell.err(`${at} tenure: ${this.#group}: ${plain(text)}`);
  }
}
