/** For the tests on a deployed stage: its description, clients, and groups of their own. */
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { defaultCredentials } from '../../client/aws.ts';
import { type Fence, ReplicatedLog, TenureClient, termFromEnvironment } from '../../client/index.ts';
import { whenVoting } from '../end-to-end/log/logs.ts';

export const stage = inject('stage');
/** A rehearsal is smaller: MiniStack starts a process for each invocation that runs at once. */
export const onAws = stage.name === 'AWS';

/** Through the proxy that signs. */
export const client = () => new TenureClient({ url: stage.proxy, deadlineMs: 60_000 });

/** Straight to the API, for times that are measured. */
export async function directClient(): Promise<TenureClient> {
  const credentials = await (await defaultCredentials())();
  return new TenureClient({
    url: stage.api,
    region: stage.region,
    credentials: async () => credentials,
    deadlineMs: 60_000,
  });
}

export const newGroup = () => `aws-${randomUUID().slice(0, 8)}`;

export async function led(group: string): Promise<Fence> {
  const fence = await client().contend(group, { contenderId: 'leader', leaseMs: 600_000 });
  await client().confirm(group, fence, { address: 'here' });
  return fence;
}

export const termOf = (group: string, { sessionId, fencingVersion }: Fence) =>
  termFromEnvironment({
    TENURE_GROUP: group,
    TENURE_SESSION_ID: sessionId,
    TENURE_FENCING_VERSION: `${fencingVersion}`,
  });

/** A log whose three replicas vote, and a writer of the group's term. */
export async function foundedLog(group: string, fence: Fence) {
  const log = new ReplicatedLog({ client: client(), group, log: 'journal' });
  await log.create();
  await whenVoting(log, 3);
  return { log, writer: log.writer({ term: termOf(group, fence), deadlineMs: 60_000 }) };
}

export async function countEntries(log: ReplicatedLog): Promise<number> {
  let read = 0;
  for await (const _ of log.read()) read += 1;
  return read;
}
