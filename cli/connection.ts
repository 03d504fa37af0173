import type { Command } from 'commander';
import type { ReplicaOptions } from '../client/direct/table-options.ts';
import type { Fence } from '../client/request.ts';
import { localUrl, TenureClient } from '../client/tenure-client.ts';
import { hasCode } from '../client/tenure-error.ts';
import { UsageError } from './exit.ts';
import { checkedName, checkedTable } from './names.ts';
import type { Shell } from './shell.ts';

/** The options that every command which talks to the service has. */
export interface ConnectionOptions {
  url?: string;
  stack?: string;
  region?: string;
  /** Direct mode, of a command with `withTable`: the name of the table of leases. */
  leases?: string;
  json?: boolean;
}

/** Adds `--url --stack --region --json` to a command; its action passes the options to connect(). */
export function withConnection(command: Command): Command {
  return command
    .option('--url <url>', `address of the API (default: TENURE_URL, else TENURE_STACK, else ${localUrl})`)
    .option('--stack <name>', "CloudFormation stack whose output ApiUrl is the API's address (default: TENURE_STACK)")
    .option(
      '--region <region>',
      'AWS Region of the stack, and of signatures for a custom domain (default: TENURE_REGION)',
    )
    .option('--json', 'print JSON instead of text for people');
}

/** Adds `--table` to a command of leadership, which can do without the API. */
export function withTable(command: Command): Command {
  return command
    .option('--table <name>', 'direct mode: the DynamoDB table of the leases, without the API (default: TENURE_TABLE)')
    .hook('preAction', (_, acting) => {
      acting.setOptionValue('leases', acting.opts<{ table?: string }>().table);
    });
}

/**
 * Adds `--group`, which `tenure lead` sets for its command in TENURE_GROUP. Checked only once the whole command line is
 * understood, so that a typo in another option is reported as what it is.
 */
export function withGroup(command: Command, shell: Shell): Command {
  return command.option('-g, --group <name>', 'the group (default: TENURE_GROUP)').hook('preAction', (_, acting) => {
    const { group: typed } = acting.opts<{ group?: string }>();
    const group = typed ?? shell.env['TENURE_GROUP'];
    if (!group) throw new UsageError('Which group? Give --group NAME, or set TENURE_GROUP.');
    acting.setOptionValue('group', checkedName(typed === undefined ? 'TENURE_GROUP' : '--group', group));
  });
}

/** A client of the service that the options name. */
export async function connect(options: ConnectionOptions, shell: Shell): Promise<TenureClient> {
  return clientAt(await locate(options, shell));
}

export interface Location {
  readonly url: string;
  /** Set in direct mode: the name of the table. */
  readonly table?: string | undefined;
  /** In direct mode: the tables of the replicas of logs, from TENURE_REPLICAS. */
  readonly replicas?: readonly ReplicaOptions[] | undefined;
  /** Set when requests are signed, as API Gateway wants them: the region that the signature names. */
  readonly region: string | undefined;
}

/**
 * Finds the service: --url, --table or --stack, else TENURE_URL, else TENURE_TABLE, else TENURE_STACK, else the local
 * address.
 */
export async function locate(options: ConnectionOptions, { env }: Shell): Promise<Location> {
  const { url, stack, region, table } = given(options, env);
  if (table !== undefined) {
    const typed = options.leases ? '--table' : 'TENURE_TABLE';
    const name = table.startsWith('arn:') ? table : checkedTable(typed, table);
    return { url: `table:${table}`, table: name, replicas: replicasIn(env), region };
  }
  if (stack === undefined) return at(url ?? localUrl, region, options.url ? '--url' : 'TENURE_URL');
  const found = await outputOfStack(stack, 'ApiUrl', region);
  return { url: found.value, region: found.region };
}

/** `my-log-1,eu-west-1/my-log-2`: a Region stands before a table that lies in another one than the leases. */
function replicasIn(env: Shell['env']): ReplicaOptions[] | undefined {
  return env['TENURE_REPLICAS']?.split(',').map((address) => {
    const [name = '', region] = address.trim().split('/').reverse();
    return { name: checkedTable('TENURE_REPLICAS', name), ...(region && { region }) };
  });
}

/** The source of the service's URL, in the order of `locate`; never two of them. */
export function given(options: ConnectionOptions, env: Shell['env']) {
  const region = options.region ?? (env['TENURE_REGION'] || undefined);
  const { url, stack, leases: table } = options;
  const none = { url: undefined, stack: undefined, table: undefined, region };
  if (url && stack) throw new UsageError('--url and --stack exclude each other: give one of them.');
  if (table && (url || stack)) throw new UsageError('--table excludes --url and --stack: give one of them.');
  if (url || stack) return { ...none, url, stack };
  if (table) return { ...none, table };
  if (env['TENURE_URL']) return { ...none, url: env['TENURE_URL'] };
  if (env['TENURE_TABLE']) return { ...none, table: env['TENURE_TABLE'] };
  return { ...none, stack: env['TENURE_STACK'] || undefined };
}

/** `typed` is what gave the URL. */
function at(url: string, region: string | undefined, typed: string): Location {
  const isAddress = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  if (!isAddress) throw new UsageError(`${typed} "${url}" is not an http or https URL: give one like ${localUrl}.`);
  return { url, region: region ?? /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(new URL(url).hostname)?.[1] };
}

/** Somebody waits at the terminal: a service that cannot be reached for this long is reported. */
export const patienceMs = 5_000;

export async function clientAt(
  { url, region, table, replicas }: Location,
  maxClockSkewMs?: number,
): Promise<TenureClient> {
  if (table !== undefined) {
    const { tableClient } = await import('../client/direct/table-client.ts');
    return tableClient({ table: { name: table, region }, replicas, maxClockSkewMs, deadlineMs: patienceMs });
  }
  return new TenureClient({ url, deadlineMs: patienceMs, ...(region && { region }) });
}

/** Reads an output of a CloudFormation stack, and the region in which the stack was found. */
export async function outputOfStack(
  stack: string,
  output: string,
  region: string | undefined,
): Promise<{ readonly value: string; readonly region: string }> {
  const { readStack } = await import('../client/aws.ts');
  const found = await readStack(stack, region).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) throw new UsageError(error.message.replace('the Region', '--region'));
    throw error;
  });
  const value = found.outputs.get(output);
  if (value) return { value, region: found.region };
  const names = [...found.outputs.keys()].join(', ') || 'none';
  throw new UsageError(`The stack ${stack} has no output ${output} (it has: ${names}): is it a stack of Tenure?`);
}

/** The term of the `tenure lead` that runs this command. */
export function fenceFrom({ env }: Shell): Fence {
  const fencingVersion = Number(env['TENURE_FENCING_VERSION']);
  const sessionId = env['TENURE_SESSION_ID'];
  if (!sessionId || !Number.isInteger(fencingVersion)) {
    throw new UsageError(
      'This needs the term of a leader (TENURE_FENCING_VERSION and TENURE_SESSION_ID): run it under tenure lead.',
    );
  }
  return { fencingVersion, sessionId };
}
