import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { recordedShell } from '../../support/shell.ts';

async function cli(...argv: string[]) {
  const { shell, out, err } = recordedShell();
  const code = await runCli(['events', 'tail', ...argv], shell);
  return { code, out: out().split('\n').filter(Boolean), err: err().trimEnd() };
}

function event(id: string, group = 'orders', time = new Date()) {
  const at = time.toISOString();
  const detail = { version: 1, id, sequence: id.padStart(40, '0'), group, at, jobId: `job-${id}\u001b[31m` };
  return JSON.stringify({ source: 'tenure', 'detail-type': 'Job Finished', time: `${at.slice(0, 19)}Z`, detail });
}

/** The folder of a stack that has had these events. */
function folderWith(lines: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-tail-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'events.ndjson'), lines.map((line) => `${line}\n`).join(''));
  return folder;
}

test('prints the events of a local stack, one that came twice once, and no other sources', async () => {
  const other = JSON.stringify({ source: 'shop', 'detail-type': 'Order', detail: { group: 'orders' } });
  const data = folderWith([event('1'), event('1'), other, 'no JSON', event('2', 'others'), event('3')]);
  const { code, out } = await cli('--no-follow', '--data', data, '--group', 'orders');
  expect(code).toBe(0);
  expect(out).toEqual([
    expect.stringMatching(/^\S+Z {2}orders {2}Job Finished {2}jobId=job-1\\u001b\[31m$/),
    expect.stringContaining('jobId=job-3'),
  ]);
  const asJson = await cli('--no-follow', '--data', data, '--json');
  expect(asJson.out.map((line) => JSON.parse(line))).toMatchObject([
    { type: 'Job Finished', id: '1', group: 'orders', sequence: '1'.padStart(40, '0') },
    { id: '2', group: 'others' },
    { id: '3' },
  ]);
});

test('begins where --since says', async () => {
  const data = folderWith([event('1', 'orders', new Date(Date.now() - 3_600_000)), event('2')]);
  expect((await cli('--no-follow', '--data', data, '--since', '10m')).out).toHaveLength(1);
  expect((await cli('--no-follow', '--data', data, '--since', '2h')).out).toHaveLength(2);
});

test('says what to give where there are no events, and that the API of a deployment has none', async () => {
  const nowhere = await cli('--data', join(tmpdir(), 'tenure-nowhere'));
  expect([nowhere.code, nowhere.err]).toEqual([64, expect.stringContaining('--stack NAME')]);
  const api = await cli('--url', 'https://abc.execute-api.us-east-1.amazonaws.com');
  expect([api.code, api.err]).toEqual([64, expect.stringContaining('with --stack')]);
});

test("reads a deployment's event log page by page, where the output of the stack says it is", async () => {
  const asked: { startTime: number; logGroupName: string; nextToken?: string }[] = [];
  const entry = (eventId: string, message: string) => ({ eventId, timestamp: Date.now(), message });
  const pages = [
    { events: [entry('a', event('1')), entry('b', event('1'))], nextToken: 'more' },
    { events: [entry('c', event('2', 'others')), entry('d', event('3'))] },
  ];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    if (!request.headers['x-amz-target']) return void response.end(described);
    asked.push(JSON.parse(body));
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify(pages[asked.length - 1]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  onTestFinished(() => void vi.unstubAllEnvs());

  const tail = await cli('--stack', 'tenure-dev', '--region', 'us-east-1', '--no-follow', '--group', 'orders');
  expect([tail.code, tail.err]).toEqual([0, '']);
  expect(tail.out.map((line) => line.split('jobId=')[1]?.slice(0, 5))).toEqual(['job-1', 'job-3']);
  expect(asked).toMatchObject([
    { logGroupName: '/aws/events/tenure-dev-1', startTime: 0 },
    { logGroupName: '/aws/events/tenure-dev-1', nextToken: 'more' },
  ]);
});

const described = `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult>
<Stacks><member><StackName>tenure-dev</StackName><Outputs><member><OutputKey>EventLogName</OutputKey>
<OutputValue>/aws/events/tenure-dev-1</OutputValue></member></Outputs></member></Stacks>
</DescribeStacksResult></DescribeStacksResponse>`;
