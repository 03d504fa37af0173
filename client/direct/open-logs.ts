/** Logs in direct mode: the coordinator, the recoveries and the minute's look at the replicas, in this process. */
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { electWriter } from '../../api/operations/log.ts';
import type { LeaseStore } from '../../leadership/lease-store.ts';
import type { Performed } from '../../leadership/performed.ts';
import { type LogRoom, logsOn } from '../../log/log-room.ts';
import { discard, mend } from '../../log/mend.ts';
import { type LogService, logOperations } from '../../log/operations.ts';
import { ExclusiveSequencer } from '../../log/protocol/exclusive-sequencer.ts';
import type { LogName } from '../../log/registered-log.ts';
import { lookAt } from '../../log/replica-watch.ts';
import { WriterMemories } from '../../log/writer-memories.ts';
import { requestTimeouts } from '../../store/request-timeouts.ts';
import type { Time } from '../time.ts';
import { dynamoDbClient } from './dynamodb-client.ts';
import { InProcessRecovery } from './in-process-recovery.ts';
import type { ReplicaOptions, TableOptions } from './table-options.ts';

/** A dead connection must not use up the time of a round: the next try takes another one. */
const shortTimeouts = { ...requestTimeouts, connectionTimeout: 500, requestTimeout: 1_500 };

export interface LogsOptions {
  readonly table: TableOptions;
  readonly replicas: readonly (string | ReplicaOptions)[];
  readonly leases: Pick<LeaseStore, 'read'>;
  readonly time: Time;
}

/** The operations of logs whose replicas are on these tables. */
export function openLogs({ table, replicas, leases, time }: LogsOptions): Performed[] {
  const documents = (options: TableOptions) =>
    DynamoDBDocumentClient.from(options.dynamodb ?? dynamoDbClient(options, shortTimeouts), {
      marshallOptions: { removeUndefinedValues: true },
    });
  const room = logsOn({
    client: documents(table),
    table: table.name,
    replicas: replicas.map((given) => {
      const { name, region, ...replica } = typeof given === 'string' ? { name: given } : given;
      const place = { ...table, ...replica, name, ...(region !== undefined && { region }) };
      return { client: documents(place), table: name, ...(region !== undefined && { region }) };
    }),
  });
  const exclusive: LogRoom = {
    ...room,
    partsOf(log) {
      const parts = room.partsOf(log);
      return { ...parts, sequencer: new ExclusiveSequencer(parts.sequencer) };
    },
  };
  const workflow = new InProcessRecovery(exclusive);
  const service = { ...exclusive, leases, memories: new WriterMemories(), workflow };
  const keeper = new Keeper(service, time);
  return logOperations(service).map((performed) => {
    if (performed.operation !== electWriter) return performed;
    return {
      ...performed,
      async act(call) {
        const name = call.params as LogName;
        try {
          const elected = (await performed.act(call)) as { writerId: string };
          keeper.elected(name, elected.writerId);
          return elected;
        } finally {
          // An election may fail for want of replicas that vote.
          keeper.keep(name);
        }
      },
    };
  });
}

/** As often as the service looks at its logs. */
const everyMs = 60_000;
/** For a change of the members, and for what truncations have left. */
const budgetMs = 15_000;

/** Keeps the replicas of the logs that this process writes: with each election and every minute after it. */
class Keeper {
  readonly #service: LogService;
  readonly #time: Time;
  readonly #writers = new Map<string, string>();
  readonly #kept = new Set<string>();

  constructor(service: LogService, time: Time) {
    this.#service = service;
    this.#time = time;
  }

  elected({ group, log }: LogName, writerId: string): void {
    this.#writers.set(`${group}/${log}`, writerId);
  }

  /** Begins, unless it has begun: it ends once another writes the log. */
  keep(name: LogName): void {
    const key = `${name.group}/${name.log}`;
    if (this.#kept.has(key)) return;
    this.#kept.add(key);
    // A look that fails is followed by another one; the log says to its callers what it lacks.
    void this.#look(name).then(
      (isOwn) => this.#again(key, name, isOwn),
      () => this.#again(key, name, this.#writers.has(key)),
    );
  }

  #again(key: string, name: LogName, isOwn: boolean): void {
    if (!isOwn) {
      this.#kept.delete(key);
      return;
    }
    this.#time.setTimer(everyMs, () => {
      this.#kept.delete(key);
      this.keep(name);
    });
  }

  /** Whether this process writes the log. */
  async #look(name: LogName): Promise<boolean> {
    const key = `${name.group}/${name.log}`;
    const registered = await this.#service.registry.read(name.group, name.log);
    const parts = registered && this.#service.partsOf(registered);
    const writer = await parts?.sequencer.read();
    const isOwn = writer !== undefined && writer.writerId === this.#writers.get(key);
    if (!registered || !parts) return false;
    await mend(this.#service, registered, await lookAt(parts), budgetMs);
    const endsAt = this.#time.monotonic() + budgetMs;
    if (isOwn) await discard(parts.replicas, () => this.#time.monotonic() < endsAt);
    return isOwn;
  }
}
