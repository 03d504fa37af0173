import { type Command, InvalidArgumentError, Option } from 'commander';
import { listLogs } from '../api/operations/log.ts';
import type { LogWriter } from '../client/log/log-writer.ts';
import { type LogStatus, ReplicatedLog } from '../client/log/replicated-log.ts';
import { connect, withConnection, withGroup } from './connection.ts';
import { durationOption } from './duration.ts';
import { type GroupOptions, termOf } from './jobs/terms.ts';
import { appendLines } from './log/append-lines.ts';
import { deleteCommand, memberCommands } from './log/member-commands.ts';
import { replicaCommands } from './log/replica-commands.ts';
import { type Delimiter, withDelimiter } from './log/split-entries.ts';
import { collectItems, fields, print, table } from './output.ts';
import { progress } from './progress.ts';
import type { Shell } from './shell.ts';

interface WriteOptions extends GroupOptions {
  deadline: number;
}

interface AppendCommand extends WriteOptions {
  batch: number;
  delimiter: Delimiter;
  resumeAfter: number;
}

interface ShowOptions extends GroupOptions {
  from?: number;
  to?: number;
  delimiter: Delimiter;
}

type Subcommand = (usage: string, description: string) => Command;

/** The commands of the replicated log. Those that write take the term of the `tenure lead` that runs them, if any. */
export function logCommands(program: Command, shell: Shell): void {
  const log = program.command('log').description('append to, read and look after replicated logs');
  const subcommand: Subcommand = (usage, description) =>
    withConnection(withGroup(log.command(usage).description(description), shell));
  createCommand(subcommand, shell);
  appendCommand(subcommand, shell);
  readCommands(subcommand, shell);
  truncateCommand(subcommand, shell);
  statusCommands(subcommand, shell);
  replicaCommands(subcommand, shell);
  memberCommands(log, shell);
  deleteCommand(subcommand, shell, leads);
}

async function open(shell: Shell, name: string, options: GroupOptions): Promise<ReplicatedLog> {
  return new ReplicatedLog({ client: await connect(options, shell), group: options.group, log: name });
}

async function openWriter(shell: Shell, name: string, options: WriteOptions): Promise<LogWriter> {
  const term = leads(options, shell) ? await termOf(options, shell) : undefined;
  return (await open(shell, name, options)).writer({ ...(term && { term }), deadlineMs: options.deadline });
}

function withDeadline(command: Command): Command {
  return command.addOption(
    durationOption('--deadline <duration>', 'how long one request is tried, elections and recoveries included', '30s'),
  );
}

function createCommand(subcommand: Subcommand, shell: Shell): void {
  subcommand('create <log>', 'create a log (no-op if it exists)')
    .option('--no-auto-initialize', 'take entries only after tenure log init')
    .action(async (name: string, options: GroupOptions & { autoInitialize: boolean }) => {
      const { autoInitialize } = options;
      const opened = await open(shell, name, options);
      await opened.create({ autoInitialize });
      print(shell, options, await opened.status(), ({ log: created }) => `log ${created} is created`);
    });
}

function appendCommand(subcommand: Subcommand, shell: Shell): void {
  withDeadline(subcommand('append <log>', 'append standard input, an entry for each line'))
    .option('--batch <entries>', 'entries in one request, at most', positive(64), 64)
    .addOption(delimiterOption())
    .option('--resume-after <count>', 'skip the first entries of the input, which were appended before', position, 0)
    .action(async (name: string, options: AppendCommand) => {
      const writer = await openWriter(shell, name, options);
      const { input } = shell;
      let done = 'no entry was appended';
      const onInterrupt = () => `interrupted: ${done}; a request that was under way may still append more.`;
      const shown = progress(shell, { ...options, typedOn: input }, `Appending to ${name}`, onInterrupt);
      const say = (count: number, last: number) => {
        done = `${count === 1 ? '1 entry was' : `${count} entries were`} appended, the last at position ${last}`;
        shown.say(done);
      };
      const { batch, delimiter, resumeAfter: skip } = options;
      const how = { batch, delimiter, skip, onAppended: say };
      const appended = await appendLines(writer, input, how).catch((error: unknown) => {
        shown.failed(`Appending to ${name} failed`);
        throw error;
      });
      shown.done(`Appended to ${name}`);
      print(shell, options, appended, ({ count, first, last }) => {
        if (count < 2) return count === 0 ? 'nothing to append' : `1 entry, position ${first}`;
        return `${count} entries, positions ${first} to ${last}`;
      });
    });
}

function readCommands(subcommand: Subcommand, shell: Shell): void {
  subcommand('read <log>', 'print the entries of a range, one line each')
    .addOption(delimiterOption())
    .option('--from <position>', 'the first one (default: the first readable)', position)
    .option('--to <position>', 'the last one (default: the last settled)', position)
    .action(async (name: string, options: ShowOptions) => {
      const { from, to } = options;
      for await (const entry of (await open(shell, name, options)).read({ from, to }))
        printEntry(shell, options, entry);
    });

  subcommand('tail <log>', 'print entries as they are appended, until Ctrl-C')
    .addOption(delimiterOption())
    .option('--from <position>', 'the first one (default: the first readable)', position)
    .action(async (name: string, options: ShowOptions) => {
      const ending = new AbortController();
      const end = () => ending.abort();
      process.once('SIGINT', end).once('SIGTERM', end);
      const tail = (await open(shell, name, options)).tail({ from: options.from, signal: ending.signal });
      try {
        for await (const entry of tail) printEntry(shell, options, entry);
      } finally {
        process.off('SIGINT', end).off('SIGTERM', end);
      }
    });
}

function truncateCommand(subcommand: Subcommand, shell: Shell): void {
  withDeadline(subcommand('truncate <log>', 'make the positions below the given one unreadable'))
    .argument('<to>', 'the first one that stays readable', position)
    .action(async (name: string, to: number, options: WriteOptions) => {
      const answer = await (await openWriter(shell, name, options)).truncate(to);
      print(shell, options, answer, () => `log ${name} begins at ${to}`);
    });
}

function statusCommands(subcommand: Subcommand, shell: Shell): void {
  subcommand('status <log>', 'where a log and each of its replicas stand').action(
    async (name: string, options: GroupOptions) => {
      print(shell, options, await (await open(shell, name, options)).status(), statusText);
    },
  );

  subcommand('ls', 'the logs of the group').action(async (options: GroupOptions) => {
    const client = await connect(options, shell);
    const logs = await collectItems(client.items<LogStatus>(listLogs, { params: { group: options.group } }));
    print(shell, options, logs, () =>
      table(
        logs,
        [
          { title: 'LOG', of: (one) => one.log },
          { title: 'BEGIN', of: (one) => one.begin },
          { title: 'END', of: (one) => one.end },
          { title: 'VOTING', of: (one) => `${one.voting}/${one.replicas.length}` },
          { title: 'LAG', of: (one) => Math.max(...one.replicas.map(({ lag }) => lag)) },
        ],
        'no logs yet: tenure log create NAME makes one',
      ),
    );
  });
}

/** Whether the `tenure lead` that runs this command, if one does, leads the very group. */
function leads({ group }: { group: string }, { env }: Shell): boolean {
  return env['TENURE_FENCING_VERSION'] !== undefined && env['TENURE_GROUP'] === group;
}

/** The bytes of an entry exactly as they were appended, and the delimiter. */
function printEntry(
  shell: Shell,
  options: ShowOptions,
  { position: at, data }: { position: number; data: Uint8Array },
): void {
  if (options.json) shell.out(JSON.stringify({ position: at, data: Buffer.from(data).toString('base64') }));
  else shell.write(withDelimiter(data, options.delimiter));
}

function delimiterOption(): Option {
  return new Option('--delimiter <what>', 'what ends an entry: line or nul').choices(['line', 'nul']).default('line');
}

type Replica = LogStatus['replicas'][number];

function statusText({ log, begin, end, quorum, voting, replicas }: LogStatus): string {
  const rows = table(
    replicas,
    [
      { title: 'REPLICA', of: ({ id }) => id },
      { title: 'STATUS', of: ({ status }) => status },
      { title: 'BEGIN', of: (one) => one.begin },
      { title: 'END', of: (one) => one.end },
      { title: 'LAG', of: ({ lag }) => lag },
      { title: 'PROMISED', of: ({ promised }) => promised },
      ...(replicas.some((one) => one.waitsFor) ? [{ title: 'WAITS FOR', of: (one: Replica) => one.waitsFor }] : []),
    ],
    'no replicas',
  );
  return `${fields({ log, begin, end, voting: `${voting} of ${replicas.length}, ${quorum} needed` })}\n\n${rows}`;
}

function position(text: string): number {
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('must be a position: a whole number from 0');
}

function positive(most: number) {
  return (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`must be 1 to ${most}`);
  };
}
