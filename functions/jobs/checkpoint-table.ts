/** The checkpoints of jobs over the items of the main table: each step is the write of `checkpoint-writes.ts`. */
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../../leadership/keys.ts';
import { type Clock, systemClock } from '../../store/clock.ts';
import { allOf, beginsWith, equals, isOneOf, not } from '../../store/condition.ts';
import { Placeholders, renderCondition } from '../../store/expression.ts';
import { type ItemStore, type Written, winnerAt } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import type { Write } from '../../store/write.ts';
import type { NewCheckpoint, Way } from './checkpoint.ts';
import type { Change, CheckpointStore, Unfinished } from './checkpoint-store.ts';
import * as writes from './checkpoint-writes.ts';
import { requireChange } from './invariants.ts';
import { isDamaged, type Job, type JobName, type JobRecord } from './job.ts';
import { toJob } from './job-item.ts';
import type { JobWrite } from './job-store.ts';
import { jobPrefix } from './keys.ts';
import { writePastStateLock } from './state-locks-table.ts';

/** The port, bound to the main table. */
export class CheckpointTable implements CheckpointStore {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #items: ItemStore;
  readonly #clock: Clock;

  constructor(client: DynamoDBDocumentClient, table: string, clock: Clock = systemClock) {
    this.#client = client;
    this.#table = table;
    this.#items = new ItemTable(client, table);
    this.#clock = clock;
  }

  commit(name: JobName, version: number, checkpoint: NewCheckpoint, way: Exclude<Way, 'whole'>): Promise<Change> {
    return this.#change(writes.commitCheckpoint(name, version, checkpoint, way));
  }

  commitWhole(seen: Job, version: number, after: Job, requestId: string): Promise<Change> {
    requireChange(seen, after);
    return this.#change(writes.commitWhole(seen, version, after, requestId));
  }

  reserve(name: JobName, version: number, requestId: string): Promise<Change> {
    return this.#change(writes.reserveId(name, version, requestId));
  }

  reserveUpTo(name: JobName, version: number, checkpointId: number, requestId: string): Promise<Change> {
    return this.#change(writes.reserveUpTo(name, version, checkpointId, requestId));
  }

  async listUnfinished(group: string, after: string | undefined, limit: number): Promise<Unfinished> {
    const placeholders = new Placeholders();
    const {
      Items = [],
      ScannedCount = 0,
      LastEvaluatedKey,
    } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: renderCondition(
          allOf(equals('pk', groupKey(group)), beginsWith('sk', jobPrefix)),
          placeholders,
        ),
        // A record without a readable state must be listed, too: it is damaged.
        FilterExpression: renderCondition(not(isOneOf('state', 'FINISHED', 'CLEANED')), placeholders),
        ProjectionExpression: placeholders.path('sk'),
        ...placeholders.attributes(),
        ...(after === undefined ? {} : { ExclusiveStartKey: { pk: groupKey(group), sk: after } }),
        ConsistentRead: true,
        Limit: limit,
      }),
    );
    const items = Items.map((item) => String(item['sk']).slice(jobPrefix.length));
    return { items, read: ScannedCount, last: LastEvaluatedKey?.['sk'] as string | undefined };
  }

  async claim(name: JobName, version: number): Promise<JobWrite> {
    return asJobWrite(await this.#send(writes.claimJob(name, version), 'after'));
  }

  keepOnly(seen: Job, version: number, checkpointId: number): Promise<Change> {
    return this.#change(writes.dropCheckpoints(seen, version, (id) => id === checkpointId));
  }

  dropOne(seen: Job, version: number, checkpointId: number): Promise<Change> {
    return this.#change(writes.dropCheckpoints(seen, version, (id) => id !== checkpointId));
  }

  discardAll(name: JobName, version: number, requestMark: string): Promise<Change> {
    return this.#change(writes.discardAll(name, version, requestMark));
  }

  removeSavepoint(name: JobName, version: number, payloadId: string, ttl: number | undefined): Promise<Change> {
    return this.#change(writes.removeSavepoint(name, version, payloadId, ttl));
  }

  async acknowledgeCleanUp(name: JobName, version: number): Promise<JobWrite> {
    return asJobWrite(await this.#sendPastStateLock(writes.acknowledgeCleanUp(name, version), 'after'));
  }

  async #change(write: Write): Promise<Change> {
    const written = await this.#sendPastStateLock(write, 'before');
    const before = written.kind === 'written' ? toJob(written.shown) : undefined;
    return before ? { before } : { lost: winnerOf(written) };
  }

  #sendPastStateLock(write: Write, show: 'before' | 'after'): Promise<Written> {
    const guarded = { items: this.#items, key: write.key, clock: this.#clock };
    return writePastStateLock(guarded, () => this.#send(write, show));
  }

  /** With short placeholders: a commit moves 70 slots, and an expression may have 4 KB. */
  #send(write: Write, show: 'before' | 'after'): Promise<Written> {
    return this.#items
      .write([write], { show, compact: true })
      .catch((error: Error) => this.#refuseDeformed(error, write));
  }

  /** An expression does not fit a deformed record: that record then counts as the winner. */
  async #refuseDeformed(error: Error, { key }: Write): Promise<Written> {
    if (error.name !== 'ValidationException') throw error;
    const item = await this.#items.get(key, { consistent: true });
    if (!item || !isDamaged(toJob(item) as JobRecord)) throw error;
    return { kind: 'refused', refusals: [{ at: 0, item }] };
  }
}

const winnerOf = (written: Written): JobRecord | undefined =>
  written.kind === 'refused' ? toJob(winnerAt(written.refusals, 0)) : undefined;

function asJobWrite(written: Written): JobWrite {
  const won = written.kind === 'written' ? toJob(written.shown) : undefined;
  return won ? { won } : { lost: winnerOf(written) };
}
