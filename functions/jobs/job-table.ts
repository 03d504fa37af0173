/** The registry of jobs over the items of the main table: each step is the write of `job-writes.ts`. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Fence } from '../../api/fence.ts';
import { groupKey } from '../../leadership/keys.ts';
import { toRecord } from '../../leadership/lease-items.ts';
import { type Clock, systemClock } from '../../store/clock.ts';
import { allOf, beginsWith, equals } from '../../store/condition.ts';
import { type ItemStore, winnerAt } from '../../store/item-store.ts';
import { ItemTable } from '../../store/item-table.ts';
import type { Write } from '../../store/write.ts';
import type { Job, JobName, JobRecord, Result } from './job.ts';
import { toJob } from './job-item.ts';
import type { JobStore, JobWrite, Page, Replacement, Submission } from './job-store.ts';
import * as writes from './job-writes.ts';
import { jobKey, jobPrefix } from './keys.ts';
import { writePastStateLock } from './state-locks-table.ts';

/** The port, bound to the main table. */
export class JobTable implements JobStore {
  readonly #items: ItemStore;
  readonly #clock: Clock;

  constructor(client: DynamoDBDocumentClient, table: string, clock: Clock = systemClock) {
    this.#items = new ItemTable(client, table);
    this.#clock = clock;
  }

  async read({ group, jobId }: JobName): Promise<JobRecord | undefined> {
    return toJob(await this.#items.get(jobKey(group, jobId), { consistent: true }));
  }

  async list(group: string, after: string | undefined, limit: number): Promise<Page<JobRecord>> {
    const { items, last } = await this.#items.query({
      where: allOf(equals('pk', groupKey(group)), beginsWith('sk', jobPrefix)),
      consistent: true,
      limit,
      ...(after === undefined ? {} : { after: { pk: groupKey(group), sk: after } }),
    });
    return { items: items.flatMap((item) => toJob(item) ?? []), last: last?.['sk'] as string | undefined };
  }

  async submit(job: Job, fence: Fence, now: number, most: number): Promise<Submission> {
    const transaction = writes.submitJob(job, fence, now, most);
    const written = await this.#write(transaction, () => this.#items.write(transaction, { once: true }));
    if (written.kind === 'written') return { won: job };
    const [ended, present, full] = [0, 1, 2].map((place) => written.refusals.find(({ at }) => at === place));
    return {
      present: toJob(present?.item),
      ended: ended && { leadership: toRecord(ended.item) },
      jobs: full && Number(full.item?.['count']),
    };
  }

  replace(seen: Job, version: number, replacement: Replacement): Promise<JobWrite> {
    return this.#update(writes.replaceJob(seen, version, replacement));
  }

  finish(name: JobName, version: number, result: Result, cleanUp: 'held' | undefined): Promise<JobWrite> {
    return this.#update(writes.finishJob(name, version, result, cleanUp));
  }

  async #update(write: Write): Promise<JobWrite> {
    const written = await this.#write([write], () => this.#items.write([write], { show: 'after' }));
    if (written.kind === 'refused') return { lost: toJob(winnerAt(written.refusals, 0)) };
    const won = toJob(written.shown);
    if (!won) throw new Error('A write to a job succeeded and left no record');
    return { won };
  }

  #write([first]: readonly [Write, ...Write[]], write: () => ReturnType<ItemStore['write']>) {
    const guarded = { items: this.#items, key: first.key, clock: this.#clock };
    return writePastStateLock(guarded, write);
  }
}
