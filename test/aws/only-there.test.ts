/**
 * Facts that only an account shows. A test that is skipped in a rehearsal names what the emulator lacks; docs/aws.md
 * lists which parts were rehearsed.
 */
import { randomUUID } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { describe, expect, inject, test } from 'vitest';
import { defaultCredentials } from '../../client/aws.ts';
import { ReplicatedLog, TenureClient, termFromEnvironment } from '../../client/index.ts';
import { resourcesFor } from '../../infra/callers.ts';
import { eventually } from '../end-to-end/leadership/tenure.ts';
import { whenVoting } from '../end-to-end/log/logs.ts';
import { functionNamed, setConcurrency } from './functions.ts';
import { asUser } from './users.ts';

const stage = inject('stage');
const onAws = stage.name === 'AWS';
const client = () => new TenureClient({ url: stage.proxy, deadlineMs: 60_000 });
const newGroup = () => `aws-${randomUUID().slice(0, 8)}`;

async function led(group: string) {
  const fence = await client().contend(group, { contenderId: 'leader', leaseMs: 600_000 });
  await client().confirm(group, fence, { address: 'here' });
  return fence;
}

test('a user whose policy is the grant leads its group, and is refused for the neighbour', async () => {
  const group = newGroup();
  const api = /\/\/(\w+)\./.exec(stage.outputs['ApiUrl'] ?? '')?.[1];
  const arn = (resource: string) => `arn:aws:execute-api:${stage.region}:*:${api}/${resource}`;
  const Statement = [
    { Effect: 'Allow', Action: 'execute-api:Invoke', Resource: resourcesFor('leader', group).map(arn) },
  ];
  await asUser(await (await defaultCredentials())(), { Version: '2012-10-17', Statement }, async (credentials) => {
    const { accessKeyId, secretAccessKey } = credentials;
    const user = new AwsClient({
      accessKeyId,
      secretAccessKey,
      region: stage.region,
      service: 'execute-api',
      retries: 0,
    });
    const contend = async (name: string) => {
      const url = `${stage.api}/v1/groups/${name}/leadership/contend`;
      const body = JSON.stringify({ contenderId: 'user', leaseMs: 600_000 });
      return (await user.fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status;
    };
    // A new user and its key take a while to be known everywhere.
    await eventually('the user may lead', async () => (await contend(group)) === 200);
    expect(await contend(`${group}-2`)).toBe(403);
  });
});

test('renewals and confirmations of one term at the same time all end well', async () => {
  const group = newGroup();
  const fence = await led(group);
  const calls = Array.from({ length: 40 }, (_, at) =>
    at % 4 === 0
      ? client().confirm(group, fence, { address: `here:${at}` })
      : client().renew(group, fence, { leaseMs: 600_000 }),
  );
  const failed = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected');
  expect(failed).toEqual([]);
});

test('a log takes what one leader can append, and loses nothing', async () => {
  const group = newGroup();
  const fence = await led(group);
  const term = termFromEnvironment({
    TENURE_GROUP: group,
    TENURE_SESSION_ID: fence.sessionId,
    TENURE_FENCING_VERSION: `${fence.fencingVersion}`,
  });
  const log = new ReplicatedLog({ client: client(), group, log: 'journal' });
  await log.create();
  await whenVoting(log, 3);
  const writer = log.writer({ term });
  // Each entry of 800 bytes is 2.6 write units: 24,000 of them in less than a minute are above 1,000 a second.
  const [batches, size] = onAws ? [240, 100] : [4, 10];
  const startedAt = Date.now();
  for (let round = 0; round < batches; round += 4) {
    const entries = Array.from({ length: size }, (_, at) => `${round}-${at}`.padEnd(800, '.'));
    await Promise.all(Array.from({ length: 4 }, () => writer.append(entries)));
  }
  const seconds = (Date.now() - startedAt) / 1_000;
  console.log(`${batches * size} entries of 800 bytes in ${seconds} s`);
  let read = 0;
  for await (const _ of log.read()) read += 1;
  expect(read).toBe(batches * size);
});

describe.skipIf(!onAws)('not rehearsed: MiniStack has no limits of concurrency', () => {
  test('while lease may not run, a renewal is retried and the term is kept; afterwards it works', async () => {
    const group = newGroup();
    const fence = await led(group);
    const lease = await functionNamed(stage.region, 'lease');
    await setConcurrency(stage.region, lease, 0);
    const renewal = client().renew(group, fence, { leaseMs: 600_000 });
    renewal.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    await setConcurrency(stage.region, lease, undefined);
    await expect(renewal).resolves.toBeDefined();
    expect(await client().observe(group, { consistent: true })).toMatchObject({ fencingVersion: fence.fencingVersion });
  });
});
