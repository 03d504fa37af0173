import { type Command, InvalidArgumentError } from 'commander';
import { journal } from '../api/operations/journal.ts';
import { terms } from '../api/operations/leadership.ts';
import { seenForMs, waitingNow } from '../client/explain/waiting.ts';
import { type LeaderView, LeaderWatcher } from '../client/leadership/watcher.ts';
import type { TenureClient } from '../client/tenure-client.ts';
import { TenureError } from '../client/tenure-error.ts';
import { type ConnectionOptions, connect, withConnection, withGroup, withTable } from './connection.ts';
import { durationOption } from './duration.ts';
import { explain } from './exit.ts';
import { checkedName } from './names.ts';
import { refuseNeverLed } from './never-led.ts';
import { collectItems, fields, plain, print, relative, table } from './output.ts';
import type { Shell } from './shell.ts';

interface GroupOptions extends ConnectionOptions {
  group: string;
}

export function leaderCommands(program: Command, shell: Shell): void {
  const leader = program.command('leader').description('see and change who leads a group');
  const subcommand = (name: string, description: string) =>
    withTable(withConnection(withGroup(leader.command(name).description(description), shell)));

  subcommand('show', 'the confirmed leader, or none')
    .option('--consistent', 'read what was written last, at twice the cost')
    .action(async (options: GroupOptions & { consistent?: boolean }) => {
      const client = await connect(options, shell);
      const view = await client.observe(options.group, { consistent: options.consistent ?? false });
      if (view.fencingVersion === 0) refuseNeverLed(options.group);
      const waiting = await waitingFor(client, options.group, view);
      print(shell, options, { group: options.group, ...view, ...waiting }, (shown) => describe(options.group, shown));
    });

  subcommand('watch', 'a line for every change of the leader, until interrupted')
    .addOption(durationOption('--every <duration>', 'least time between two requests', '1s'))
    .addOption(
      durationOption('--wait <duration>', 'how long a request may be held until a change; 0s polls', '20s', {
        least: '0s',
        most: '20s',
      }),
    )
    .action((options: WatchOptions) => watch(options, shell));

  subcommand('terms', 'the confirmed terms, newest first')
    .option('--limit <n>', 'how many', wholeNumber, 20)
    .action((options: GroupOptions & { limit: number }) => showTerms(options, shell));

  subcommand('hand-over', 'ask the leader to stop its work and resign')
    .option('--to <contender>', 'keep the lease for this contender for one lease time')
    .option('--dry-run', 'only say who would be asked')
    .action((options: HandOverOptions) => handOver(options, shell));

  subcommand('revoke', "end the leader's term as an operator")
    .requiredOption('--fencing-version <n>', 'the version to end, as tenure leader show prints it', wholeNumber)
    .requiredOption('--reason <text>', 'why; shown to the leader and kept with the term')
    .option('--force', 'free the lease at once; the old leader may act until it notices')
    .option('--dry-run', 'only say what would be done')
    .action((options: RevokeOptions) => revoke(options, shell));
}

interface Waits {
  readonly waiting?: readonly { readonly contenderId: string; readonly seenAt: string }[];
  /** Why that is not known. */
  readonly waitingUnknown?: string;
}

/** Who waits, as the journal has it; nothing in direct mode, which keeps none. A leader is shown all the same. */
async function waitingFor(client: TenureClient, group: string, { leader }: LeaderView): Promise<Waits> {
  if (client.mode === 'direct') return {};
  const now = client.time.now();
  const since = new Date(now - seenForMs).toISOString();
  try {
    const { kept, items } = await client.call(journal, { params: { group }, query: { since } });
    const waiting = waitingNow(items, leader, now);
    if (!kept) return { waitingUnknown: 'the deployment keeps no journal' };
    return { waiting: waiting.map((one) => ({ ...one, seenAt: new Date(one.seenAt).toISOString() })) };
  } catch (error) {
    if (!(error instanceof TenureError)) throw error;
    return { waitingUnknown: `the journal cannot be read: ${error.code}` };
  }
}

const waitingText = (waiting: NonNullable<Waits['waiting']>) =>
  waiting.map(({ contenderId, seenAt }) => `${contenderId} (seen ${relative(seenAt)})`).join(', ') || 'nobody';

function describe(group: string, { leader, fencingVersion, pending, ...view }: LeaderView & Waits): string {
  const { reservedFor, barred, handOver, addresses, waiting, waitingUnknown } = view;
  const named = Object.entries(addresses).map(([name, address]) => [`address of ${name}`, address]);
  const next = {
    ...(reservedFor !== undefined && { 'reserved for': reservedFor }),
    ...(barred && { barred: `the process that led last; it may lead again ${relative(barred.until)}` }),
    ...(waiting && { waiting: waitingText(waiting) }),
    ...(waitingUnknown !== undefined && { waiting: `not known: ${waitingUnknown}` }),
    ...(handOver && { 'hand-over': `asked for, to ${handOver.successor ?? 'the first to contend'}` }),
  };
  if (!leader) {
    const why = pending ? 'a new leader is getting ready' : 'nobody leads';
    return fields({ group, leader: `none (${why})`, 'fencing version': fencingVersion, ...next });
  }
  return fields({
    group,
    leader: leader.contenderId,
    address: leader.address,
    ...Object.fromEntries(named),
    'fencing version': fencingVersion,
    'session id': leader.sessionId,
    confirmed: relative(leader.confirmedAt),
    'lease ends': relative(leader.expiresAt),
    ...next,
    ...(leader.metadata !== null && leader.metadata !== undefined && { metadata: JSON.stringify(leader.metadata) }),
  });
}

interface WatchOptions extends GroupOptions {
  every: number;
  wait: number;
}

async function watch(options: WatchOptions, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const interrupted = new AbortController();
  const stop = () => interrupted.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  let reached = false;
  const onError = (error: unknown) => {
    if (!reached) throw error;
    const { code, message } = explain(error);
    shell.err(options.json ? JSON.stringify({ error: { code, message } }) : `tenure: ${message}`);
  };
  const watcher = new LeaderWatcher({
    client,
    group: options.group,
    everyMs: options.every,
    waitMs: options.wait,
    signal: interrupted.signal,
    onError,
  });
  try {
    for await (const view of watcher) {
      reached = true;
      const at = new Date(client.time.now()).toISOString();
      print(shell, options, { at, group: options.group, ...view }, ({ leader, fencingVersion, pending }) => {
        const who = leader ? `${leader.contenderId} at ${leader.address}` : pending ? 'none yet' : 'none';
        return `${at}  version ${fencingVersion}  leader ${plain(who)}`;
      });
    }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

async function showTerms(options: GroupOptions & { limit: number }, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const page = { params: { group: options.group }, query: { limit: Math.min(options.limit, 1000) } };
  const items = await collectItems(client.items(terms, page), options.limit);
  print(shell, options, items, () =>
    table(
      items,
      [
        { title: 'VERSION', of: ({ fencingVersion }) => fencingVersion },
        { title: 'CONTENDER', of: ({ contenderId }) => contenderId },
        { title: 'ADDRESS', of: ({ address }) => address },
        { title: 'CONFIRMED', of: ({ confirmedAt }) => relative(confirmedAt) },
        { title: 'ENDED', of: ({ endedAt }) => endedAt && relative(endedAt) },
        { title: 'WHY', of: ({ endReason, endDetail }) => (endDetail ? `${endReason}: ${endDetail}` : endReason) },
      ],
      `no term of ${options.group} has been confirmed yet`,
    ),
  );
}

interface HandOverOptions extends GroupOptions {
  to?: string;
  dryRun?: boolean;
}

/** Of the term that is seen now: the leader hears of it with its next renewal. */
async function handOver(options: HandOverOptions, shell: Shell): Promise<void> {
  const { group, to, dryRun = false } = options;
  if (to !== undefined) checkedName('--to', to);
  const client = await connect(options, shell);
  const { fencingVersion } = await client.observe(group, { consistent: true });
  if (fencingVersion === 0) refuseNeverLed(group);
  const answer = await client.handOver(group, {
    fencingVersion,
    ...(to !== undefined && { successor: to }),
    ...(dryRun && { dryRun }),
  });
  print(shell, options, { ...answer, fencingVersion }, ({ contenderId }) => {
    const whom = to === undefined ? 'the first to contend' : plain(to);
    if (dryRun) return `${plain(contenderId)} would be asked to hand term ${fencingVersion} over to ${whom}`;
    return `${plain(contenderId)} is asked to hand term ${fencingVersion} over to ${whom}; follow it with tenure leader watch`;
  });
}

interface RevokeOptions extends GroupOptions {
  fencingVersion: number;
  reason: string;
  force?: boolean;
  dryRun?: boolean;
}

async function revoke(options: RevokeOptions, shell: Shell): Promise<void> {
  const { group, fencingVersion, reason, force = false, dryRun = false } = options;
  const client = await connect(options, shell);
  const answer = await client.revoke(group, { fencingVersion, reason, force, dryRun });
  print(shell, options, answer, ({ revoked, contenderId, takeoverAt }) => {
    const done = revoked ? 'was revoked' : 'would be revoked (dry run)';
    return `term ${fencingVersion} of ${plain(contenderId)} ${done}; the lease can be taken ${relative(takeoverAt)}`;
  });
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}
