import type { Command } from 'commander';
import type * as z from 'zod/mini';
import { groups as listGroups } from '../api/operations/leadership.ts';
import { listLogs } from '../api/operations/log.ts';
import type { LogStatus } from '../client/log/replicated-log.ts';
import type { TenureClient } from '../client/tenure-client.ts';
import { type ConnectionOptions, clientAt, given, locate, withConnection } from './connection.ts';
import { skewOf } from './doctor.ts';
import { ExitError, exitCodes } from './exit.ts';
import { collectItems, fields, plain, print, relative, table } from './output.ts';
import type { Shell } from './shell.ts';

type Group = z.output<typeof listGroups.answer>['items'][number];

interface Status {
  readonly url: string;
  readonly stack?: string;
  readonly region?: string;
  readonly version: string;
  readonly stores: Readonly<Record<string, string>>;
  readonly groups: readonly Group[];
  /** Findings that need an operator. */
  readonly wrong: readonly string[];
  /** Parts that were not examined. */
  readonly notes: readonly string[];
}

/** Of how many groups the logs are looked at: one request each. */
const mostInspected = 50;
const mostGroups = 1_000;

export function statusCommand(program: Command, shell: Shell): void {
  const command = program
    .command('status')
    .description('the service at a glance: address, version, health, the groups with their leaders, and what is wrong')
    .addHelpText('after', '\nExit code 1 when something is wrong, 69 when the service cannot be reached.');
  withConnection(command).action(async (options: ConnectionOptions) => {
    const status = await statusOf(options, shell);
    print(shell, options, status, describe);
    if (status.wrong.length > 0) throw new ExitError(exitCodes.failed);
  });
}

async function statusOf(options: ConnectionOptions, shell: Shell): Promise<Status> {
  const { stack } = given(options, shell.env);
  const location = await locate(options, shell);
  const client = await clientAt(location);
  const sentAt = Date.now();
  const { version, stores, now } = await client.health();
  const clock = skewOf(now, sentAt, Date.now());
  const groups = await collectItems(client.items(listGroups, {}), mostGroups);
  const wrong = [...(clock.status === 'ok' ? [] : [clock.found]), ...(await wrongLogs(client, groups))];
  return {
    url: location.url,
    ...(stack !== undefined && { stack }),
    ...(location.region !== undefined && { region: location.region }),
    version,
    stores,
    groups,
    wrong,
    notes: groups.length > mostInspected ? [`only the logs of the first ${mostInspected} groups were looked at`] : [],
  };
}

async function wrongLogs(client: TenureClient, groups: readonly Group[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const { group } of groups.slice(0, mostInspected)) {
    for await (const { log, voting, replicas, quorum } of client.items<LogStatus>(listLogs, { params: { group } })) {
      if (voting === replicas.length) continue;
      const effect = voting < quorum ? `${quorum} must, so it takes no entries` : 'it works with fewer';
      wrong.push(`log ${log} of ${group}: ${voting} of ${replicas.length} replicas vote; ${effect}`);
    }
  }
  return wrong;
}

function describe({ url, stack, region, version, stores, groups, wrong, notes }: Status): string {
  const reached = Object.entries(stores).map(([store, state]) => `${store} ${state}`);
  const head = fields({
    address: url,
    ...(stack && { stack }),
    ...(region && { region }),
    version,
    health: reached.join(', '),
  });
  const rows = table(
    groups,
    [
      { title: 'GROUP', of: ({ group }) => group },
      { title: 'VERSION', of: ({ fencingVersion }) => fencingVersion },
      { title: 'LEADER', of: ({ leader, pending }) => leader?.contenderId ?? (pending ? '(getting ready)' : null) },
      { title: 'SINCE', of: ({ leader }) => leader && relative(leader.confirmedAt) },
    ],
    'no groups yet',
  );
  const findings = wrong.length === 0 ? ['nothing is wrong'] : wrong.map((one) => `WRONG  ${plain(one)}`);
  return [head, '', rows, '', ...findings, ...notes].join('\n');
}
