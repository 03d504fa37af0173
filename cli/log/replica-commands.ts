import type { Command } from 'commander';
import { showLog } from '../../api/operations/log.ts';
import {
  cancelRecovery,
  catchUpReplica,
  initializeReplica,
  recoverReplica,
} from '../../api/operations/log-replicas.ts';
import { type ConnectionOptions, connect } from '../connection.ts';
import { readDuration } from '../duration.ts';
import { UsageError } from '../exit.ts';
import { print } from '../output.ts';
import type { Shell } from '../shell.ts';
import { waitUntilReached } from './reached.ts';

interface ReplicaOptions extends ConnectionOptions {
  group: string;
  replica?: string;
  force?: boolean;
  cancel?: boolean;
  wait?: number;
}

interface Done {
  replica: string;
  status?: string | undefined;
  executionId?: string | undefined;
  executionIds?: string[] | undefined;
}

/** The commands that look after the replicas of a log. */
export function replicaCommands(subcommand: (usage: string, description: string) => Command, shell: Shell): void {
  const ofReplicas = (usage: string, description: string) =>
    subcommand(usage, description).option('--replica <id>', 'only this replica');

  /** Asks for each replica, one after the other. */
  const forEach = async (
    log: string,
    options: ReplicaOptions,
    act: (
      client: Awaited<ReturnType<typeof connect>>,
      params: Params,
      status: string,
    ) => Promise<Omit<Done, 'replica'>>,
    saying: (done: Done) => string,
  ) => {
    const { group, force, wait: withinMs } = options;
    const client = await connect(options, shell);
    const { replicas, end } = await client.call(showLog, { params: { group, log } });
    const chosen = replicas.filter(({ id }) => options.replica === undefined || id === options.replica);
    if (chosen.length === 0) {
      throw new UsageError(
        `There is no replica ${options.replica}; there are ${replicas.map(({ id }) => id).join(', ')}.`,
      );
    }
    if (force && withinMs !== undefined && chosen.some(({ status }) => status === 'VOTING')) {
      throw new UsageError('A replica that votes does so again after a forced recovery: --wait cannot tell its end.');
    }
    let all: Done[] = [];
    for (const { id, status } of chosen) {
      all.push({ replica: id, ...(await act(client, { group, log, replica: id }, status)) });
    }
    if (withinMs !== undefined) {
      const wanted = { group, log, replicas: chosen.map(({ id }) => id), end, withinMs };
      const now = await waitUntilReached(client, wanted, options, shell);
      all = all.map((done, at) => ({ ...done, status: now[at]?.status }));
    }
    print(shell, options, all, () => all.map((one) => `replica ${one.replica}: ${saying(one)}`).join('\n'));
  };

  ofReplicas('init <log>', 'found a log by hand on its empty replicas')
    .option('--force', 'though the log had a writer or a replica does not answer: what it held is given up')
    .action((log: string, options: ReplicaOptions) => {
      const body = { force: options.force === true };
      return forEach(
        log,
        options,
        (client, params) => client.call(initializeReplica, { params, body }),
        ({ status }) => `${status}`,
      );
    });

  ofReplicas('recover <log>', 'recover the replicas that do not vote; catch up those that lag')
    .option('--force', 'recover it though it votes, or from what a lost quorum left')
    .option('--cancel', 'stop what recovers them, until the next minute or command begins it again')
    .option('--wait <duration>', 'until they vote and reach the end that the log has now', readDuration('--wait'))
    .action((log: string, options: ReplicaOptions) => {
      const { force = false, cancel = false, wait } = options;
      if (cancel && wait !== undefined)
        throw new UsageError('--cancel and --wait exclude each other: give one of them.');
      if (force && cancel) throw new UsageError('--force and --cancel exclude each other: give one of them.');
      if (force && options.replica === undefined) throw new UsageError('--force needs --replica.');
      if (cancel) {
        return forEach(
          log,
          options,
          (client, params) => client.call(cancelRecovery, { params }),
          ({ status, executionIds = [] }) => `${status}, ${executionIds.join(' and ') || 'nothing'} stopped`,
        );
      }
      return forEach(
        log,
        options,
        (client, params, status) =>
          status === 'VOTING' && !force
            ? client.call(catchUpReplica, { params })
            : client.call(recoverReplica, { params, body: { force } }),
        ({ status, executionId = 'nothing to do' }) => `${status}, ${executionId}`,
      );
    });
}

interface Params {
  readonly group: string;
  readonly log: string;
  readonly replica: string;
}
