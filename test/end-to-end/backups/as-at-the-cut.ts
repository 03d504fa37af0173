import { createHash, randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { JobRegistry, ReplicatedLog, type TenureClient, termFromEnvironment } from '../../../client/index.ts';
import { contentOf, type GroupContent } from './group-content.ts';
import { busyJob, busyState, type LivingGroup, logNames } from './living-group.ts';

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

export interface Expected {
  readonly living: LivingGroup;
  readonly cut: Readonly<Record<string, number>>;
  /** Before the writers went on; of the busy job nothing counts. */
  readonly before: GroupContent;
  /** Commits of the busy job when the backup was asked for, and when it had ended. */
  readonly commits: readonly [from: number, to: number];
}

/** A group that was restored from a backup shows what its owner showed at the cut, and can be led and written to. */
export async function expectAsAtTheCut(client: TenureClient, target: string, expected: Expected): Promise<void> {
  const { living, cut, before, commits } = expected;
  const restored = await contentOf(client, target);
  for (const log of logNames) expect(restored.logs.get(log), log).toEqual(living.logAt(log, cut[log] ?? -1));

  expect(still(restored)).toEqual(still(before));
  const busy = restored.jobs.get(busyJob);
  const last = (busy?.nextCheckpointId ?? 0) - 1;
  expect(last).toBeGreaterThanOrEqual(commits[0]);
  expect(last).toBeLessThanOrEqual(commits[1]);
  const kept = [last - 1, last].filter((id) => id > 0);
  expect(busy?.checkpoints.map(({ checkpointId }) => checkpointId)).toEqual(kept);
  for (const id of kept) expect(restored.payloads.get(`${busyJob}/${id}`)).toBe(digestOf(busyState(id)));

  await expectToGoOn(client, target, expected);
}

/** The sweep may have cleaned a finished job at any time. */
function still({ jobs, payloads }: GroupContent) {
  return {
    jobs: [...jobs.values()]
      .filter(({ jobId }) => jobId !== busyJob)
      .map((job) => ({ ...job, state: job.state === 'FINISHED' ? 'CLEANED' : job.state })),
    payloads: [...payloads].filter(([name]) => !name.startsWith(`${busyJob}/`)),
  };
}

async function expectToGoOn(client: TenureClient, target: string, { living, cut }: Expected): Promise<void> {
  const { fencingVersion, sessionId } = await client.contend(target, { contenderId: randomUUID(), leaseMs: 60_000 });
  expect(fencingVersion).toBeGreaterThan(living.fencingVersion + 10_000);
  const version = `${fencingVersion}`;
  const env = { TENURE_GROUP: target, TENURE_SESSION_ID: sessionId, TENURE_FENCING_VERSION: version };
  const term = termFromEnvironment(env);
  const registry = new JobRegistry({ client, term });
  const recovered: string[] = [];
  for await (const { jobId } of registry.recover()) recovered.push(jobId);
  expect(recovered).toEqual([busyJob, 'fresh', 'steady']);
  const { checkpointId } = await registry.checkpoints('steady').add(Buffer.from('after the restore'));
  expect(checkpointId).toBe(7);
  for (const log of logNames) {
    const writer = new ReplicatedLog({ client, group: target, log }).writer({ term });
    expect((await writer.append(['after the restore'])).first).toBe((cut[log] ?? -1) + 1);
  }
}
