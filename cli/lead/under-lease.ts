/** Sets up what a command needs that runs while a lease is held: `tenure lead`, `tenure lock`, `tenure semaphore`. */
import { defaultContenderId } from '../../client/leadership/contender-id.ts';
import { requestTimeoutFor } from '../../client/leadership/settings.ts';
import { type ConnectionOptions, clientAt, type Location, locate } from '../connection.ts';
import { UsageError } from '../exit.ts';
import { checkedName } from '../names.ts';
import { duration } from '../output.ts';
import type { Shell } from '../shell.ts';
import { closeInherited } from './descriptors.ts';
import { checkExecutable } from './executable.ts';
import { Guard } from './guard.ts';
import { Health, type HealthAddress } from './health.ts';
import { Report } from './report.ts';
import { Signals } from './signals.ts';
import type { LeadSettings } from './term-run.ts';

export interface LeaseOptions extends ConnectionOptions {
  group: string;
  id?: string;
  lease: number;
  address: string;
  readyFile?: string;
  grace: number;
  maxClockSkew: number;
  /** ms of --wait; false for --no-wait. */
  wait?: number | false;
  stay?: boolean;
  renewEvery?: number;
  handOverPoll?: number;
  handOverOn?: 'SIGUSR1' | 'SIGUSR2';
  handOverTo?: string;
  health?: HealthAddress;
  allowHost?: readonly string[];
}

/** Runs `run` with what it needs to run the command under a lease; it throws the ExitError that ends the process. */
export async function underLease(
  command: string[],
  options: LeaseOptions,
  shell: Shell,
  run: (settings: LeadSettings) => Promise<never>,
): Promise<void> {
  const { group, json = false, stay = false, wait } = options;
  const contenderId = checkedContender(options);
  const health = healthOf(options);
  checkExecutable(command[0] ?? '', shell.env);
  const location = await locate(options, shell);
  const client = await clientAt(location, options.maxClockSkew);
  const { TENURE_IGNORED_SIGNALS: ignored = '', ...env } = shell.env;
  closeInherited(command);
  const report = new Report(shell, json, group);
  const guard = new Guard((why) => report.note(`the guard of the command failed: ${why}; starting another`));
  const signals = new Signals({ underNpm: env['npm_command'] === 'exec', ignored: ignored.split(/\s+/) });
  try {
    if (health && options.health) report.note(`health at ${await health.listen(options.health)}`);
    await run({
      client,
      group,
      contenderId,
      address: options.address,
      leaseMs: options.lease,
      maxClockSkewMs: options.maxClockSkew,
      graceMs: options.grace,
      readyFile: options.readyFile,
      waitMs: wait === false ? 0 : wait,
      stay,
      renewEveryMs: options.renewEvery,
      handoverPollMs: options.handOverPoll,
      handOverOn: options.handOverOn,
      handOverTo: options.handOverTo,
      command,
      env: environmentAt(location, env),
      guard,
      health,
      report,
      signals,
    });
  } finally {
    signals.end();
    guard.end();
    health?.end();
  }
}

/** A name that it listens at is one that it may be asked by. */
function healthOf({ group, health, allowHost = [] }: LeaseOptions): Health | undefined {
  if (health) return new Health(group, health.host ? [...allowHost, health.host.toLowerCase()] : allowHost);
  if (allowHost.length > 0) throw new UsageError('--allow-host needs --health, the address that is asked.');
  return undefined;
}

/** The command's own calls of tenure reach the same service. */
function environmentAt({ table, region }: Location, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { TENURE_URL: _url, TENURE_TABLE: _table, ...others } = env;
  return { ...others, ...(table && { TENURE_TABLE: table }), ...(region && { TENURE_REGION: region }) };
}

/** Refuses, in the words of the command line, what the service would refuse each time. */
function checkedContender(options: LeaseOptions): string {
  const { id, lease, maxClockSkew, address, renewEvery = 0, handOverOn, handOverTo } = options;
  if (maxClockSkew * 2 >= lease) {
    throw new UsageError(
      `--max-clock-skew ${duration(maxClockSkew)} must be below half of --lease ${duration(lease)}.`,
    );
  }
  if (address.length === 0 || address.length > 256) {
    throw new UsageError(`--address has ${address.length} characters: give 1 to 256.`);
  }
  const longest = (lease - requestTimeoutFor(lease)) / 2;
  if (renewEvery >= longest) {
    throw new UsageError(
      `--renew-every ${duration(renewEvery)} is too long for --lease ${duration(lease)}: give less than ${duration(longest)}, so that one lost renewal does not cost the term.`,
    );
  }
  if (handOverTo !== undefined) {
    checkedName('--hand-over-to', handOverTo);
    if (!handOverOn) throw new UsageError('--hand-over-to needs --hand-over-on, the signal that hands the term over.');
  }
  return id === undefined ? defaultContenderId() : checkedName('--id', id);
}
