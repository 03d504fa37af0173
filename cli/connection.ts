import { type Command, Option } from 'commander';
import type { Fence } from '../client/request.ts';
import { localUrl, TenureClient } from '../client/tenure-client.ts';
import { TenureError } from '../client/tenure-error.ts';
import type { CredentialsProvider } from '../client/transport.ts';
import { UsageError } from './exit.ts';
import type { Shell } from './shell.ts';

/** The options that every command which talks to the service has. */
export interface ConnectionOptions {
  url?: string;
  stack?: string;
  region?: string;
  json?: boolean;
}

/** Adds `--url --stack --region --json` to a command; its action hands the options to connect(). */
export function withConnection(command: Command): Command {
  return command
    .option('--url <url>', `address of the API (default: TENURE_URL or ${localUrl})`)
    .option('--stack <name>', "CloudFormation stack whose output ApiUrl is the API's address")
    .option('--region <region>', 'AWS Region of --stack, and of signatures for an own domain (default: TENURE_REGION)')
    .option('--json', 'print JSON instead of text for people');
}

/** Adds `--group`, which `tenure lead` sets for its command in TENURE_GROUP. */
export function withGroup(command: Command, shell: Shell): Command {
  const option = new Option('--group <name>', 'the group (default: TENURE_GROUP)');
  const given = shell.env['TENURE_GROUP'];
  return command.addOption(given ? option.default(given, given) : option.makeOptionMandatory());
}

/** A client of the service that the options name. */
export async function connect(options: ConnectionOptions, shell: Shell): Promise<TenureClient> {
  return clientAt(await locate(options, shell));
}

export interface Location {
  readonly url: string;
  /** API Gateway wants signed requests, the embedded stack does not. */
  readonly signed: boolean;
  /** What signatures name, where the address does not say it. */
  readonly region: string | undefined;
}

/** Where the service is: --url, else --stack, else TENURE_URL, else the local address. */
export async function locate({ url, stack, ...options }: ConnectionOptions, shell: Shell): Promise<Location> {
  const region = options.region ?? shell.env['TENURE_REGION'];
  if (url && stack) throw new UsageError('--url and --stack exclude each other: give one of them.');
  if (stack) return { url: await outputOfStack(stack, 'ApiUrl', region), signed: true, region };
  const address = url ?? (shell.env['TENURE_URL'] || localUrl);
  const signed = region !== undefined || /\.execute-api\.[a-z0-9-]+\.amazonaws\.com/.test(address);
  return { url: address, signed, region };
}

/** Somebody waits at the terminal: what cannot be reached for this long is reported. */
export const patienceMs = 5_000;

export async function clientAt({ url, signed, region }: Location): Promise<TenureClient> {
  if (!URL.canParse(url)) throw new UsageError(`"${url}" is not a URL: give one like ${localUrl}.`);
  return new TenureClient({
    url,
    deadlineMs: patienceMs,
    ...(signed && { credentials: await awsCredentials() }),
    ...(region && { region }),
  });
}

/** What a CloudFormation stack says about itself. */
export async function outputOfStack(stack: string, output: string, region: string | undefined): Promise<string> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const cloudFormation = new CloudFormationClient(region ? { region } : {});
  const answer = await cloudFormation.send(new DescribeStacksCommand({ StackName: stack })).catch((cause: unknown) => {
    const { name, message } = cause instanceof Error ? cause : { name: '', message: String(cause) };
    const why = `The stack ${stack} cannot be read: ${message}. Check its name, --region and the AWS credentials.`;
    if (name === 'ValidationError') throw new UsageError(why);
    const facts = { code: 'unreachable', status: 0, retryable: true, request: 'DescribeStacks' };
    throw new TenureError(why, facts, { cause });
  });
  const outputs = answer.Stacks?.[0]?.Outputs ?? [];
  const value = outputs.find(({ OutputKey }) => OutputKey === output)?.OutputValue;
  if (value) return value;
  const names = outputs.map(({ OutputKey }) => OutputKey).join(', ') || 'none';
  throw new UsageError(`The stack ${stack} has no output ${output} (it has: ${names}): is it a stack of Tenure?`);
}

async function awsCredentials(): Promise<CredentialsProvider> {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return fromNodeProviderChain();
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
