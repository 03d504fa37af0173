/** Cold starts and latencies of a deployed stage; on AWS they become the section "aws" of docs/bench.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { expect, test } from 'vitest';
import { observe, renew } from '../../../api/operations/leadership.ts';
import { type CheckpointStore, JobRegistry } from '../../../client/index.ts';
import type { Row } from '../../bench/bench.ts';
import { section, withSection } from '../../bench/page.ts';
import { project } from '../../support/stack.ts';
import { functionNamed } from '../functions.ts';
import { directClient, foundedLog, led, newGroup, onAws, stage, termOf } from '../stage.ts';

const rounds = onAws ? 100 : 5;
const coldStarts = onAws ? 5 : 1;

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
const ms = (value: number) => `${Math.round(value)} ms`;

async function timed(what: string, work: (at: number) => Promise<unknown>): Promise<Row> {
  await work(-1);
  const took: number[] = [];
  for (let at = 0; at < rounds; at += 1) {
    const startedAt = performance.now();
    await work(at);
    took.push(performance.now() - startedAt);
  }
  took.sort((one, other) => one - other);
  return { what, ours: `${ms(quantile(took, 0.5))}, p99 ${ms(quantile(took, 0.99))}`, theirs: '' };
}

/** Lambda's own figure of a start with nothing loaded: each change of a function's settings forces one. */
async function coldStart(lambda: LambdaClient, name: string): Promise<Row> {
  const { name: FunctionName } = await functionNamed(stage.region, name);
  const event = {
    version: '2.0',
    routeKey: 'GET /v1/none',
    rawPath: '/v1/none',
    rawQueryString: '',
    headers: {},
    requestContext: { http: { method: 'GET', path: '/v1/none', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' } },
    isBase64Encoded: false,
  };
  const took: number[] = [];
  for (let at = 0; at < coldStarts; at += 1) {
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Description: `started anew ${at}` }));
    await waitUntilFunctionUpdatedV2({ client: lambda, minDelay: 1, maxWaitTime: 60 }, { FunctionName });
    const startedAt = performance.now();
    const invoked = await lambda.send(
      new InvokeCommand({ FunctionName, LogType: 'Tail', Payload: Buffer.from(JSON.stringify(event)) }),
    );
    expect(invoked.StatusCode).toBe(200);
    const report = Buffer.from(invoked.LogResult ?? '', 'base64').toString();
    const told = /Init Duration: ([\d.]+) ms/.exec(report)?.[1];
    if (onAws) expect(told, report).toBeDefined();
    took.push(told === undefined ? performance.now() - startedAt : Number(told));
  }
  took.sort((one, other) => one - other);
  return {
    what: `cold start of ${name}`,
    ours: `${ms(quantile(took, 0.5))}, worst ${ms(took.at(-1) ?? 0)}`,
    theirs: '',
  };
}

test('cold starts and latencies', { timeout: 900_000 }, async () => {
  const group = newGroup();
  const fence = await led(group);
  const client = await directClient();
  const { writer } = await foundedLog(group, fence);
  const registry = new JobRegistry({ client, term: termOf(group, fence) });
  const checkpoints: CheckpointStore = await registry.submit('measured', 'the graph', { retain: 1 });
  const rows = [
    await timed('a request that the gateway refuses', () => fetch(`${stage.api}/v1/groups/${group}/leadership`)),
    await timed('observe', () => client.call(observe, { params: { group }, query: {} })),
    await timed('renew', () => client.call(renew, { params: { group }, fence, body: { leaseMs: 600_000 } })),
    await timed('commit a checkpoint of 1 KB', (at) => checkpoints.add(`${at}`.padEnd(1_024, '.'))),
    await timed('append one entry of 1 KB to three replicas', (at) => writer.append([`${at}`.padEnd(1_024, '.')])),
  ];
  const lambda = new LambdaClient({ region: stage.region });
  for (const name of ['lease', 'contend', 'jobs', 'log', 'backups']) rows.push(await coldStart(lambda, name));
  lambda.destroy();

  const bench = {
    name: 'aws',
    sentence: `A stage on ${stage.name}: medians of ${rounds} requests one after the other, as a caller outside of AWS sees them with its way to the Region; cold starts as Lambda reports them, medians of ${coldStarts}.`,
  };
  const text = section(bench, { rows }, `${new Date().toISOString().slice(0, 10)}, ${stage.region}.`);
  console.log(text);
  expect(rows.map(({ ours }) => ours).join()).not.toContain('NaN');
  const page = join(project, 'docs/bench.md');
  if (onAws) writeFileSync(page, withSection(readFileSync(page, 'utf8'), 'aws', text));
});
