import { randomUUID } from 'node:crypto';
import { resign } from '../../api/operations/leadership.ts';
import { LeaderElector } from '../../client/leadership/elector.ts';
import type { Loss } from '../../client/leadership/loss.ts';
import type { Term } from '../../client/leadership/term.ts';
import type { TenureClient } from '../../client/tenure-client.ts';
import { TenureError } from '../../client/tenure-error.ts';
import { patienceMs } from '../connection.ts';
import { Command, type Ending } from './command.ts';
import type { Guard } from './guard.ts';
import type { Health } from './health.ts';
import { forgetReadyFile, readyFile } from './ready-file.ts';
import type { Report } from './report.ts';
import { asksForEnd, type Signals } from './signals.ts';

export interface LeadSettings {
  readonly client: TenureClient;
  readonly group: string;
  readonly contenderId: string;
  readonly address: string;
  readonly leaseMs: number;
  readonly maxClockSkewMs: number;
  readonly graceMs: number;
  /** How long to wait for the lease in the first round; 0 asks once. */
  readonly waitMs?: number | undefined;
  /** Whether an answer that a deployment can cause for a moment, such as 403, is waited out. */
  readonly stay?: boolean | undefined;
  readonly readyFile?: string | undefined;
  readonly renewEveryMs?: number | undefined;
  readonly handoverPollMs?: number | undefined;
  /** The signal that hands the term over instead of reaching the command. */
  readonly handOverOn?: NodeJS.Signals | undefined;
  /** The contender whom that signal hands it to; the first to contend unless given. */
  readonly handOverTo?: string | undefined;
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly guard: Guard;
  readonly health?: Health | undefined;
  readonly report: Report;
  readonly signals: Signals;
}

/** The result of a round of contending. */
export type Outcome =
  | { readonly kind: 'ended'; readonly term: Term; readonly ending: Ending; readonly ranMs: number }
  | { readonly kind: 'lost'; readonly term: Term; readonly loss: Loss }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'held'; readonly by: TenureError | undefined }
  | { readonly kind: 'failed'; readonly error: unknown };

/** A command that has not ended this long after a signal seems to ignore it. */
const ignoredAfterMs = 1_000;

/**
 * Contends until one term was held and its command has ended, by itself or not. When this resolves, everything of it
 * has stopped and the lease is given back. `previous` is the term of the round before: it never resumes. In the first
 * round the service's silence is a failure.
 */
export async function leadOneTerm(settings: LeadSettings, previous: Term | undefined): Promise<Outcome> {
  const round = new Round(settings, previous);
  return round.run();
}

/** Tells two processes with the same --id apart; the rounds of one `lead` are one contender. */
const instanceId = randomUUID();

class Round {
  readonly #settings: LeadSettings;
  readonly #elector: LeaderElector;
  readonly #startedAt: number;
  readonly #outcome: Promise<Outcome>;
  #settle: (outcome: Outcome) => void = () => {};
  #answered: boolean;
  #held: TenureError | undefined;
  #running: Command | undefined;
  #ended = false;
  #handedOver = false;
  #stopWaiting: () => void = () => {};
  readonly #first: boolean;

  constructor(settings: LeadSettings, previous: Term | undefined) {
    const { client, group, contenderId, address, leaseMs, maxClockSkewMs, report } = settings;
    const { renewEveryMs, handoverPollMs } = settings;
    this.#settings = settings;
    this.#startedAt = client.time.monotonic();
    this.#first = previous === undefined;
    this.#answered = previous !== undefined;
    this.#outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#elector = new LeaderElector({
      client,
      group,
      contenderId,
      instanceId,
      address,
      leaseMs,
      maxClockSkewMs,
      ...(renewEveryMs !== undefined && { renewEveryMs }),
      ...(handoverPollMs !== undefined && { handoverPollMs }),
      contendAgain: false,
      // A round that ended by itself may be followed by another at once; after a hand-over the service lets others come
      // first.
      stayOut: false,
      previousSessionId: previous?.sessionId,
      onWaiting: (held) => this.#waiting(held),
      prepare: (term) => this.#granted(term),
      onConfirmed: (term) => this.#confirmed(term),
      onRenewed: () => settings.guard.renewed(),
      onRevoked: (loss, term) => this.#revoked(loss, term),
      onSuspended: (term) => report.suspended(term),
      onReconnected: (term) => report.reconnected(term),
      onError: (error) => this.#error(error),
    });
  }

  async run(): Promise<Outcome> {
    const { client, guard, report, signals, waitMs } = this.#settings;
    const { time } = client;
    const stopListening = signals.listen((signal) => this.#signalled(signal));
    if (this.#first && waitMs) {
      this.#stopWaiting = time.setTimer(waitMs, () => this.#settle({ kind: 'held', by: this.#held }));
    }
    this.#elector.start();
    try {
      return await this.#outcome;
    } finally {
      this.#stopWaiting();
      stopListening();
      await this.#elector.close({ stayOut: false }).catch((error: unknown) => report.error(error));
      guard.over();
    }
  }

  #confirmed(term: Term): void {
    const { health, report } = this.#settings;
    report.confirmed(term);
    if (!this.#ended) health?.confirmed(term);
  }

  #waiting(held: TenureError): void {
    this.#answered = true;
    this.#held = held;
    if (this.#first && this.#settings.waitMs === 0) this.#settle({ kind: 'held', by: held });
    else this.#settings.report.waiting(held);
  }

  async #granted(term: Term): Promise<void> {
    const { client, guard, report, readyFile: file } = this.#settings;
    this.#stopWaiting();
    report.granted(term);
    const { group } = term;
    const body = { reason: 'its process died, so its guard resigned' };
    await guard.granted(term, () => client.prepare(resign, { params: { group }, fence: term, body }));
    if (file) await forgetReadyFile(file);
    if (term.loss) return;
    this.#start(term);
    if (file) await readyFile(file, term.signal);
  }

  /** Nothing may come between the start of the command and its process id at the guard: both happen in one turn. */
  #start(term: Term): void {
    const { client, guard, health, report, graceMs, command: argv } = this.#settings;
    const begunAt = client.time.monotonic();
    guard.starting();
    const command = new Command(argv, environment(this.#settings, term), graceMs, () =>
      report.note('the command runs as another user and cannot be killed: waiting for it to end'),
    );
    if (command.pid !== undefined) guard.watch(command.pid, graceMs);
    this.#running = command;
    void command.ended.then((ending) => {
      this.#ended = true;
      health?.over();
      guard.release();
      const lost = term.loss ?? (term.isLeader() ? undefined : expired(term));
      const ranMs = client.time.monotonic() - begunAt;
      if (lost) this.#lost(term, lost);
      else this.#settle({ kind: 'ended', term, ending, ranMs });
    });
  }

  async #revoked(loss: Loss, term: Term): Promise<void> {
    if (loss.reason === 'closed') return;
    this.#settings.report.lost(term, loss);
    await this.#running?.stop();
    if (!this.#running) this.#lost(term, loss);
  }

  #lost(term: Term, loss: Loss): void {
    this.#settle({ kind: 'lost', term, loss: this.#handedOver ? { ...loss, handedOver: true } : loss });
  }

  /** From the leader's side: the command ends, then the lease goes to the successor. */
  #handOver(signal: NodeJS.Signals): void {
    const { report, handOverTo: successor } = this.#settings;
    const { term } = this.#elector;
    if (!term) {
      report.note(`${signal}: there is no term to hand over`);
      return;
    }
    this.#handedOver = true;
    const whom = successor === undefined ? 'the first to contend' : successor;
    report.note(`${signal}: handing term ${term.fencingVersion} over to ${whom}`);
    this.#elector.resign({ successor, stayOut: true }).catch((error: unknown) => report.error(error));
  }

  #error(error: unknown): void {
    const { client, report, stay = false } = this.#settings;
    const contending = !this.#elector.isLeader() && !this.#running;
    const silent = !stay && !this.#answered && client.time.monotonic() - this.#startedAt > patienceMs;
    if (contending && (isHopeless(error, stay) || silent)) this.#settle({ kind: 'failed', error });
    else report.error(error);
  }

  #signalled(signal: NodeJS.Signals): void {
    const { signals, report, client, handOverOn } = this.#settings;
    const command = this.#running;
    if (signal === handOverOn) {
      this.#handOver(signal);
      return;
    }
    if (!command) {
      if (signals.asked) this.#settle({ kind: 'signalled', signal: signals.asked });
      return;
    }
    const result = command.signal(signal);
    if (result === 'forbidden') report.note(`${signal} cannot be passed on: the command runs as another user`);
    if (result !== 'sent' || !asksForEnd(signal)) return;
    const cancel = client.time.setTimer(ignoredAfterMs, () =>
      report.note(
        `the command received ${signal} and still runs: waiting for it to end (kill -KILL -${command.pid} forces it)`,
      ),
    );
    void command.ended.then(cancel);
  }
}

/**
 * Whether trying again cannot help. With --stay only what the command line itself causes cannot: the rest may be a
 * deployment under way.
 */
function isHopeless(error: unknown, stay: boolean): boolean {
  if (!(error instanceof TenureError)) return true;
  return stay ? error.code === 'invalid_request' : !error.retryable;
}

function environment({ env, group, client }: LeadSettings, term: Term): NodeJS.ProcessEnv {
  return {
    ...env,
    ...(client.mode === 'api' && { TENURE_URL: client.url }),
    TENURE_GROUP: group,
    TENURE_FENCING_VERSION: String(term.fencingVersion),
    TENURE_SESSION_ID: term.sessionId,
  };
}

/** The command was stopped by the guard while this process stood still. */
function expired(term: Term): Loss {
  return { reason: 'expired', detail: `The lease of term ${term.fencingVersion} of ${term.group} has run out.` };
}
