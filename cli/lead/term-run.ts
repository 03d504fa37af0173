import { LeaderElector } from '../../client/leadership/elector.ts';
import type { Loss } from '../../client/leadership/loss.ts';
import type { Term } from '../../client/leadership/term.ts';
import type { TenureClient } from '../../client/tenure-client.ts';
import { TenureError } from '../../client/tenure-error.ts';
import { patienceMs } from '../connection.ts';
import { Command, type Ending } from './command.ts';
import type { Guard } from './guard.ts';
import { forgetReadyFile, readyFile } from './ready-file.ts';
import type { Report } from './report.ts';
import type { Signals } from './signals.ts';

export interface LeadSettings {
  readonly client: TenureClient;
  readonly group: string;
  readonly contenderId: string;
  readonly address: string;
  readonly leaseMs: number;
  readonly maxClockSkewMs: number;
  readonly graceMs: number;
  readonly readyFile?: string | undefined;
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly guard: Guard;
  readonly report: Report;
  readonly signals: Signals;
}

/** What a round of contending came to. */
export type Outcome =
  | { readonly kind: 'ended'; readonly term: Term; readonly ending: Ending; readonly ranMs: number }
  | { readonly kind: 'lost'; readonly term: Term; readonly loss: Loss }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * Contends until one term was held and its command has ended, whoever ended it; everything of it has stopped and the lease is given back when
 * this resolves. `previous` is the term of the round before: it never resumes. In the first round the service's silence is a failure.
 */
export async function leadOneTerm(settings: LeadSettings, previous: Term | undefined): Promise<Outcome> {
  const { client, group, contenderId, guard, report, signals } = settings;
  const startedAt = client.time.monotonic();
  let answered = previous !== undefined;
  let running: Command | undefined;
  let settle: (outcome: Outcome) => void = () => {};
  const outcome = new Promise<Outcome>((resolve) => (settle = resolve));

  const elector = new LeaderElector({
    client,
    group,
    contenderId,
    address: settings.address,
    leaseMs: settings.leaseMs,
    maxClockSkewMs: settings.maxClockSkewMs,
    contendAgain: false,
    previousSessionId: previous?.sessionId,
    onWaiting: (held) => {
      answered = true;
      report.waiting(held);
    },
    onGranted: async (term) => {
      report.granted(term);
      if (settings.readyFile) await forgetReadyFile(settings.readyFile);
      if (term.loss) return;
      const begunAt = client.time.monotonic();
      const command = new Command(settings.command, environment(settings, term), settings.graceMs);
      running = command;
      void command.ended.then((ending) => {
        guard.release();
        const lost = term.loss ?? (term.isLeader() ? undefined : expired(term));
        const ranMs = client.time.monotonic() - begunAt;
        settle(lost ? { kind: 'lost', term, loss: lost } : { kind: 'ended', term, ending, ranMs });
      });
      guard.watch(await command.started, settings.graceMs, term);
      if (settings.readyFile) await readyFile(settings.readyFile, term.signal);
    },
    onConfirmed: (term) => report.confirmed(term),
    onRenewed: () => guard.renewed(),
    onRevoked: async (loss, term) => {
      if (loss.reason === 'closed') return;
      report.lost(term, loss);
      await running?.stop();
      if (!running) settle({ kind: 'lost', term, loss });
    },
    onSuspended: (term) => report.suspended(term),
    onReconnected: (term) => report.reconnected(term),
    onError: (error) => {
      const hopeless = error instanceof TenureError ? !error.retryable : true;
      const contending = !elector.isLeader() && !running;
      const silent = !answered && client.time.monotonic() - startedAt > patienceMs;
      if (contending && (hopeless || silent)) settle({ kind: 'failed', error });
      else report.error(error);
    },
  });

  const stopListening = signals.listen((signal) => {
    if (running) running.signal(signal);
    else if (signals.asked) settle({ kind: 'signalled', signal: signals.asked });
  });
  elector.start();
  try {
    return await outcome;
  } finally {
    stopListening();
    await elector.close().catch((error: unknown) => report.error(error));
  }
}

function environment({ env, group, client }: LeadSettings, term: Term): NodeJS.ProcessEnv {
  return {
    ...env,
    TENURE_URL: client.url,
    TENURE_GROUP: group,
    TENURE_FENCING_VERSION: String(term.fencingVersion),
    TENURE_SESSION_ID: term.sessionId,
  };
}

/** The command was stopped by the guard while this process stood still. */
function expired(term: Term): Loss {
  return { reason: 'expired', detail: `The lease of term ${term.fencingVersion} of ${term.group} has run out.` };
}
