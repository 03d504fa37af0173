import type { Command } from 'commander';
import type * as z from 'zod/mini';
import { deleteLog, listLogs, showLog } from '../../api/operations/log.ts';
import { changeReplicas, listReplicaTables } from '../../api/operations/log-replicas.ts';
import type { LogStatus } from '../../client/log/replicated-log.ts';
import type { TenureClient } from '../../client/tenure-client.ts';
import { TenureError } from '../../client/tenure-error.ts';
import { sleep } from '../../client/time.ts';
import { type ConnectionOptions, connect, withConnection, withGroup } from '../connection.ts';
import { durationOption } from '../duration.ts';
import { UsageError } from '../exit.ts';
import { termOf } from '../jobs/terms.ts';
import { collectItems, duration, print, table } from '../output.ts';
import { progress } from '../progress.ts';
import type { Shell } from '../shell.ts';

type Wish = z.input<typeof changeReplicas.body>;
type Changed = z.output<typeof changeReplicas.answer>;
type Configuration = Changed['configuration'];

interface MemberOptions extends ConnectionOptions {
  group: string;
  allLogs?: boolean;
  dryRun?: boolean;
  table?: string[];
  replica?: string[];
  wait: number;
}

const lookEveryMs = 500;

/** The commands that change which replicas a log has. */
export function memberCommands(log: Command, shell: Shell): void {
  const replicas = log.command('replicas').description('list, add, remove and replace the replicas of a log');
  const subcommand = (usage: string, description: string) =>
    withConnection(withGroup(replicas.command(usage).description(description), shell));
  const addChange = (usage: string, description: string) =>
    subcommand(usage, description)
      .option('--all-logs', 'change every log of the group, one after the other')
      .option('--dry-run', 'show the members to be and change nothing')
      .addOption(durationOption('--wait <duration>', 'how long to wait for the change of one log', '10m'));

  subcommand('ls <log>', 'show the replicas of a log and their tables').action(
    async (name: string, options: MemberOptions) => {
      const client = await connect(options, shell);
      const { configuration } = await client.call(showLog, { params: { group: options.group, log: name } });
      print(shell, options, configuration, membersText);
    },
  );

  addChange('add [log]', 'add replicas, on unused tables of the deployment')
    .option('--table <name>', 'table to add; repeat it for several (default: the first unused ones)', collect)
    .action((name: string | undefined, options: MemberOptions) =>
      change(shell, name, options, ({ free }) => {
        const add = options.table?.map((given) => located(free, given)) ?? free.slice(0, 2);
        return { add };
      }),
    );

  addChange('remove [log]', 'remove replicas; their tables keep what they hold until they are deleted')
    .requiredOption('--replica <id>', 'replica to remove; repeat it for several', collect)
    .action((name: string | undefined, options: MemberOptions) =>
      change(shell, name, options, () => ({ remove: options.replica ?? [] })),
    );

  addChange('replace [log]', 'put an unused table in the place of a replica')
    .requiredOption('--replica <id>', 'replica to replace', collect)
    .option('--table <name>', 'table that takes its place (default: the first unused one)', collect)
    .action((name: string | undefined, options: MemberOptions) =>
      change(shell, name, options, ({ free }) => {
        const remove = options.replica ?? [];
        const add = options.table?.map((given) => located(free, given)) ?? free.slice(0, remove.length);
        return { remove, add };
      }),
    );

  addChange('resume [log]', 'continue a change that is under way').action(
    (name: string | undefined, options: MemberOptions) => change(shell, name, options, () => ({})),
  );

  addChange('cancel [log]', 'give a change up that is under way').action(
    (name: string | undefined, options: MemberOptions) => change(shell, name, options, () => ({ cancel: true })),
  );
}

/** `tenure log delete`. */
export function deleteCommand(
  subcommand: (usage: string, description: string) => Command,
  shell: Shell,
  leads: (options: { group: string }, shell: Shell) => boolean,
): void {
  subcommand('delete <log>', 'delete a log with everything in it')
    .option('--yes', 'confirm: what the log holds cannot be brought back but from a backup')
    .action(async (name: string, options: MemberOptions & { yes?: boolean }) => {
      if (!options.yes) throw new UsageError(`This deletes log ${name} and all its entries; confirm with --yes.`);
      const client = await connect(options, shell);
      const fence = leads(options, shell) ? await termOf(options, shell) : undefined;
      const params = { group: options.group, log: name };
      await client.call(deleteLog, { params, timeoutMs: 29_000, ...(fence && { fence }) });
      print(shell, options, { deleted: name }, () => `Deleted log ${name}.`);
    });
}

type Table = z.output<typeof listReplicaTables.answer>['items'][number];

interface Found {
  readonly configuration: Configuration;
  /** Tables that are no replica of the log. */
  readonly free: readonly { table: string; region?: string }[];
}

async function change(
  shell: Shell,
  name: string | undefined,
  options: MemberOptions,
  wishOf: (found: Found) => Wish,
): Promise<void> {
  if ((name === undefined) === (options.allLogs !== true)) {
    throw new UsageError('Name one log, or give --all-logs.');
  }
  const { group, dryRun = false } = options;
  const client = await connect(options, shell);
  const { items: tables } = await client.call(listReplicaTables, { params: { group } });
  const names = name
    ? [name]
    : (await collectItems(client.items<LogStatus>(listLogs, { params: { group } }))).map((one) => one.log);
  const changed: { log: string; configuration: Configuration }[] = [];
  for (const log of names) {
    const { configuration } = await client.call(showLog, { params: { group, log } });
    const free = tables
      .filter((one) => !isUsed(configuration, one))
      .map(({ table: t, region }) => ({ table: t, ...(region && { region }) }));
    const wish = { ...wishOf({ configuration, free }), dryRun };
    changed.push({ log, configuration: await repeatUntilDone(client, shell, options, { group, log }, wish) });
  }
  print(shell, options, name ? changed[0] : changed, () =>
    changed.map((one) => `log ${one.log}${dryRun ? ' (dry run)' : ''}\n${membersText(one.configuration)}`).join('\n\n'),
  );
}

/** Repeats the request until the change is done. */
async function repeatUntilDone(
  client: TenureClient,
  shell: Shell,
  options: MemberOptions,
  params: { group: string; log: string },
  wish: Wish,
): Promise<Configuration> {
  const { group, log } = params;
  const follow = `follow it with tenure log replicas ls ${log} --group ${group}`;
  const onInterrupt = () => `the change continues every minute without this command: ${follow}`;
  const shown = progress(shell, options, `Changing the replicas of ${log}`, onInterrupt);
  const endsAt = client.time.monotonic() + options.wait;
  let body = wish;
  let waits = '';
  for (let looks = 0; looks === 0 || client.time.monotonic() <= endsAt; looks += 1) {
    if (looks > 0) await sleep(client.time, lookEveryMs);
    const { configuration, waitsFor } = await client.call(changeReplicas, { params, body, timeoutMs: 29_000 });
    if (wish.dryRun || waitsFor === undefined) {
      shown.done(`Changed the replicas of ${params.log}`);
      return configuration;
    }
    shown.say(waitsFor);
    waits = waitsFor;
    body = {};
  }
  shown.failed(`The replicas of ${params.log} are still changing`);
  const message = `After ${duration(options.wait)} the change waits: ${waits}. It continues every minute; see tenure log replicas ls ${params.log}.`;
  const request = `POST ${changeReplicas.path}`;
  throw new TenureError(message, { code: 'log_not_recovered', status: 0, retryable: true, request });
}

function isUsed({ replicas, next }: Configuration, { table: name, region }: Table): boolean {
  return [...replicas, ...(next?.replicas ?? [])].some((one) => one.table === name && one.region === region);
}

function located(free: Found['free'], name: string) {
  return free.find((one) => one.table === name) ?? { table: name };
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function membersText({ version, replicas, next }: Configuration): string {
  const rows = (members: Configuration['replicas']) =>
    table(
      members,
      [
        { title: 'REPLICA', of: ({ id }) => id },
        { title: 'TABLE', of: (one) => one.table },
        { title: 'REGION', of: ({ region }) => region },
      ],
      'no replicas',
    );
  const changing = next ? `\n\nchanging (${next.phase}) to\n${rows(next.replicas)}` : '';
  return `configuration ${version}\n${rows(replicas)}${changing}`;
}
