/** The output of openapi-typescript for docs/openapi.json: it compiles, and a program with it leads a group, signed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProblemError } from '../../api/problem.ts';
import { installed } from '../support/generators/installed.ts';
import { ManualTime } from '../support/manual-time.ts';
import { type Aws, region, startAws } from '../support/package/aws.ts';
import { watch } from '../support/processes.ts';
import { project } from '../support/stack.ts';
import { FakeService, type Step } from '../unit/client/fake-service.ts';

const program = `
import createClient from 'openapi-fetch';
import { AwsClient } from 'aws4fetch';
import type { paths } from './api.js';

const [accessKeyId = '', secretAccessKey = ''] = [process.env.AWS_ACCESS_KEY_ID, process.env.AWS_SECRET_ACCESS_KEY];
const aws = new AwsClient({ accessKeyId, secretAccessKey, region: '${region}', service: 'execute-api' });
const client = createClient<paths>({ baseUrl: process.argv[2]!, fetch: (request) => aws.fetch(request) });
const path = { group: 'orders' };

const { data: term, error } = await client.POST('/v1/groups/{group}/leadership/contend', {
  params: { path },
  body: { contenderId: 'generated', leaseMs: 60_000 },
});
if (!term) throw new Error(JSON.stringify(error));
const header = { 'Fencing-Version': term.fencingVersion, 'Leader-Session': term.sessionId };
const confirmed = await client.POST('/v1/groups/{group}/leadership/confirm', {
  params: { path, header },
  body: { address: 'http://10.0.0.7', metadata: { zone: 'a', nested: [1, { two: 2 }] } },
});
if (confirmed.error) throw new Error('code' in confirmed.error ? confirmed.error.code : confirmed.error.message);
const seen = await client.GET('/v1/groups/{group}/leadership', { params: { path, query: { consistent: true } } });
const leader = seen.data?.leader?.contenderId;
console.log(leader, term.fencingVersion);
`;

let aws: Aws;
let folder: string;
let tools: string;
beforeAll(async () => {
  tools = join(installed(join(project, 'test/support/generators/typescript')), 'node_modules');
  folder = mkdtempSync(join(tmpdir(), 'tenure-generated-'));
  const group = new FakeService(new ManualTime());
  aws = await startAws((method, path, headers, body) => {
    const step = method === 'GET' ? 'observe' : (path.split('/').at(-1) as Step);
    try {
      return { body: JSON.stringify(group.act(step, JSON.parse(body || '{}'), headers)) };
    } catch (error) {
      return { status: (error as ProblemError).kind.status, body: JSON.stringify(error) };
    }
  });
});
afterAll(() => {
  aws?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a generated TypeScript client compiles, signs, and runs contend, confirm and observe', async () => {
  const generator = join(tools, 'openapi-typescript/bin/cli.js');
  execFileSync(process.execPath, [generator, join(project, 'docs/openapi.json'), '-o', join(folder, 'api.d.ts')]);
  for (const [name, modules] of Object.entries({
    'openapi-fetch': tools,
    'openapi-typescript-helpers': tools,
    aws4fetch: join(project, 'node_modules'),
  })) {
    linked(name, modules);
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'program.ts'), program);
  const types = [join(project, 'node_modules/@types')];
  const settings = { target: 'es2022', module: 'nodenext', strict: true, types: ['node'], typeRoots: types };
  const files = ['program.ts', 'api.d.ts'];
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: settings, files }));
  for (const home of [tools, join(project, 'node_modules')]) {
    const compiler = join(home, 'typescript/bin/tsc');
    expect(spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' }).stdout).toBe('');
  }
  const running = watch(process.execPath, [join(folder, 'program.js'), `${aws.url}/prod`], {
    env: aws.environment('environment', folder),
  });
  expect(await running.ended(), running.output()).toBe(0);
  expect(running.output()).toBe('generated 1\n');
  const signed = aws.signed.map(({ service, request }) => `${service} ${request}`);
  const leadership = '/prod/v1/groups/orders/leadership';
  expect(signed).toEqual([
    `execute-api POST ${leadership}/contend`,
    `execute-api POST ${leadership}/confirm`,
    `execute-api GET ${leadership}`,
  ]);
});

function linked(name: string, modules: string): void {
  execFileSync('mkdir', ['-p', join(folder, 'node_modules')]);
  symlinkSync(join(modules, name), join(folder, 'node_modules', name));
}
