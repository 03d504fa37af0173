import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { ProblemError } from '../../api/problem.ts';
import { ManualTime } from '../support/manual-time.ts';
import { type Aws, region, stackName, startAws } from '../support/package/aws.ts';
import { watch } from '../support/processes.ts';
import { FakeService, type Step } from '../unit/client/fake-service.ts';

let aws: Aws;
const group = new FakeService(new ManualTime());
beforeAll(async () => {
  aws = await startAws((method, path, headers, body) => {
    const step = method === 'GET' ? 'observe' : (path.split('/').at(-1) as Step);
    try {
      return { body: JSON.stringify(group.act(step, JSON.parse(body || '{}'), headers)) };
    } catch (error) {
      return { status: (error as ProblemError).kind.status, body: JSON.stringify(error) };
    }
  });
});
afterAll(() => aws.stop());

const signing = () => {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = aws.environment('environment', inject('consumer'));
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
  return `new TenureClient({ url: '${aws.url}/prod', region: '${AWS_REGION}', credentials: () => (${JSON.stringify(credentials)}) })`;
};

describe('a program of somebody else', () => {
  test('ends by itself once it has closed what it opened, and its signals stay its own', async () => {
    const file = join(inject('consumer'), 'leads.mjs');
    writeFileSync(
      file,
      `import { LeaderElector, LeaderWatcher, TenureClient } from 'tenure';
const client = ${signing()};
const listeners = () => ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection'].map((name) => process.listenerCount(name)).join();
const before = listeners();
const ending = new AbortController();
const elector = new LeaderElector({ client, group: 'orders', address: 'here', async onConfirmed() {
  for await (const { leader } of new LeaderWatcher({ client, group: 'orders', signal: ending.signal })) {
    console.log(leader.contenderId === elector.contenderId, listeners() === before);
    break;
  }
  await elector.close();
  ending.abort();
  console.log('closed');
} });
elector.start();
`,
    );
    const running = watch(process.execPath, [file]);
    expect(await running.ended(), running.output()).toBe(0);
    expect(running.output()).toBe('true true\nclosed\n');
  });
});

describe('a bundle', () => {
  test('for a browser follows a leader, with nothing of Node', async () => {
    const file = join(inject('consumer'), 'page.mjs');
    writeFileSync(
      file,
      `import { LeaderWatcher, TenureClient } from 'tenure'; console.log(LeaderWatcher, TenureClient);`,
    );
    const { outputFiles } = await build({
      entryPoints: [file],
      bundle: true,
      platform: 'browser',
      write: false,
      format: 'esm',
    });
    expect(outputFiles[0]?.text).not.toMatch(/from\s*"node:|require\("(node:)?(fs|crypto|events)"/);
  });

  test('has only what is used', async () => {
    const file = join(inject('consumer'), 'small.mjs');
    const size = async (code: string) => {
      writeFileSync(file, code);
      const { outputFiles } = await build({
        entryPoints: [file],
        bundle: true,
        platform: 'node',
        write: false,
        format: 'esm',
        minify: true,
      });
      return outputFiles[0]?.contents.length ?? Number.POSITIVE_INFINITY;
    };
    expect(await size("import 'tenure';")).toBeLessThan(100_000);
    const watcher = await size("import { LeaderWatcher } from 'tenure'; console.log(LeaderWatcher);");
    const everything = await size("import * as tenure from 'tenure'; console.log(tenure);");
    // zod and the messages of its issues, which both have, are 70 KB of it.
    expect(everything - watcher).toBeGreaterThan(50_000);
  });

  test('can be loaded with require(), which gets the same classes as import()', () => {
    const file = join(inject('consumer'), 'both.cjs');
    writeFileSync(
      file,
      `import('tenure').then((esm) => console.log(esm.TenureError === require('tenure').TenureError));`,
    );
    const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: 'true\n', stderr: '' });
  });
});

describe('a client without settings', () => {
  const script = `import { TenureClient } from 'tenure';
const client = new TenureClient();
await client.observe('orders');
console.log(client.url);
`;

  test('finds the address in the outputs of TENURE_STACK, and signs by the default chain', async () => {
    const file = join(inject('consumer'), 'finds.mjs');
    writeFileSync(file, script);
    aws.signed.length = 0;
    const env = { ...aws.environment('profile', inject('consumer')), TENURE_STACK: stackName };
    const running = watch(process.execPath, [file], { env });
    expect(await running.ended(), running.output()).toBe(0);
    expect(running.output()).toBe(`${aws.url}/prod\n`);
    expect(aws.signed).toEqual([
      { source: 'profile', service: 'cloudformation', request: 'POST /' },
      { source: 'profile', service: 'execute-api', request: 'GET /prod/v1/groups/orders/leadership' },
    ]);
  });

  test('signs for a custom domain once TENURE_REGION is set', async () => {
    const file = join(inject('consumer'), 'finds.mjs');
    writeFileSync(file, script);
    aws.signed.length = 0;
    const home = inject('consumer');
    const env = { ...aws.environment('environment', home), TENURE_URL: `${aws.url}/prod`, TENURE_REGION: region };
    const running = watch(process.execPath, [file], { env });
    expect(await running.ended(), running.output()).toBe(0);
    expect(aws.signed).toMatchObject([{ source: 'environment', service: 'execute-api' }]);
  });
});
