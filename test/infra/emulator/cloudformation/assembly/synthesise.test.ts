import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readAssembly } from '../../../../../emulator/cloudformation/assembly/read.ts';
import { synthesise } from '../../../../../emulator/cloudformation/assembly/synthesise.ts';

/** Stands in for a CDK app: writes an assembly with one stack, in which it says what context it was given. */
const app = `
import { mkdirSync, writeFileSync } from 'node:fs';
const out = process.env.CDK_OUTDIR as string;
mkdirSync(out);
const put = (name: string, content: object) => writeFileSync(out + '/' + name, JSON.stringify(content));
put('s.template.json', { Outputs: { Context: { Value: process.env.CDK_CONTEXT_JSON } } });
put('s.assets.json', { files: { h: { source: { path: 'asset.h' }, destinations: { here: { objectKey: 'h.zip' } } } } });
put('manifest.json', { artifacts: {
  's': { type: 'aws:cloudformation:stack', environment: 'aws://unknown-account/eu-west-1', properties: { templateFile: 's.template.json' } },
  's.assets': { type: 'cdk:asset-manifest' },
} });
`;

let project: string;
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'synth-'));
  for (const room of ['infra', 'functions', 'api', 'archive', 'store', 'docs']) await mkdir(join(project, room));
  await writeFile(join(project, 'infra', 'app.ts'), app);
  await writeFile(join(project, 'package.json'), '{"type":"module"}');
});
afterEach(() => rm(project, { recursive: true }));

const cache = () => join(project, '.cache');
const run = (starting: (why: string) => void = () => {}) => synthesise(project, 'infra/app.ts', cache(), starting);

test('is done once for the same sources, and again when they, the context or the lock file change', async () => {
  const first = await run();
  expect(first.cached).toBe(false);
  expect(await run()).toEqual({ folder: first.folder, cached: true });
  const seen = new Set([first.folder]);
  for (const [file, content] of [
    ['functions/new.ts', 'export {};'],
    ['api/new.ts', 'export {};'],
    ['archive/new.ts', 'export {};'],
    ['store/new.ts', 'export {};'],
    ['cdk.json', '{"context":{"stage":"test"}}'],
    ['package-lock.json', '{}'],
    ['docs/openapi.json', '{}'],
  ] as const) {
    await writeFile(join(project, file), content);
    const again = await run();
    expect([file, again.cached, seen.has(again.folder)]).toEqual([file, false, false]);
    seen.add(again.folder);
  }
});

test('says why it is done: the first time, or what changed since the one that was used last', async () => {
  const reasons: string[] = [];
  const say = async () => void (await run((why) => reasons.push(why)));
  const change = (file: string, content: string) => writeFile(join(project, file), content);
  await say();
  await say();
  await change('functions/new.ts', 'export {};');
  await say();
  await change('functions/new.ts', 'export { 1 as one };');
  await change('api/new.ts', 'export {};');
  await rm(join(project, 'functions', 'new.ts'));
  await change('store/new.ts', 'export {};');
  await say();
  await change('cdk.json', '{"context":{"stage":"test"}}');
  await change('package-lock.json', '{}');
  await say();
  const [folder = ''] = await readdir(cache());
  const inputs = join(cache(), folder, 'inputs.json');
  expect(JSON.parse(await readFile(inputs, 'utf8'))).toMatchObject({ app: 'infra/app.ts', node: process.version });
  for (const name of await readdir(cache())) {
    const file = join(cache(), name, 'inputs.json');
    const before = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...before, node: 'v18.0.0' }));
  }
  await change('package-lock.json', '{"a":1}');
  await say();
  await synthesise(project, 'infra/other.ts', cache(), (why) => reasons.push(why)).catch(() => {});
  expect(reasons).toEqual([
    'for the first time',
    'since functions/new.ts changed',
    'since api/new.ts and 2 other files changed',
    'since the context of the CDK changed, and package-lock.json changed',
    `since Node is ${process.version}, not v18.0.0, and package-lock.json changed`,
    'for the first time',
  ]);
});

test('reads stacks with their Region and assets, and hands the app the context of cdk.json', async () => {
  await writeFile(join(project, 'cdk.json'), '{"context":{"stage":"test"}}');
  const { folder } = await run();
  const [stack] = await readAssembly(folder);
  expect(stack).toMatchObject({ name: 's', account: '000000000000', region: 'eu-west-1' });
  expect(stack?.assets).toEqual(new Map([['h.zip', join(folder, 'asset.h')]]));
  expect(stack?.template.Outputs?.['Context']?.Value).toBe('{"stage":"test"}');
});

test('two at once end with one result', async () => {
  const [one, two] = await Promise.all([run(), run()]);
  expect(one.folder).toBe(two.folder);
  expect(await readFile(join(one.folder, 'manifest.json'), 'utf8')).toContain('templateFile');
  expect(await readdir(cache())).toHaveLength(1);
});

test('a source that changes meanwhile keeps the result out of the cache', async () => {
  const editing = app.replace('mkdirSync(out);', "mkdirSync(out); writeFileSync('functions/saved.ts', '');");
  await writeFile(join(project, 'infra', 'app.ts'), editing);
  expect((await run()).cached).toBe(false);
  await rm(join(project, 'functions', 'saved.ts'));
  expect((await run()).cached).toBe(false);
});

test('the folder of a killed process goes, once nobody can be making it any more', async () => {
  await mkdir(join(cache(), 'abc.half'), { recursive: true });
  await mkdir(join(cache(), 'abc.new'));
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(join(cache(), 'abc.half'), hoursAgo, hoursAgo);
  const { folder } = await run();
  expect((await readdir(cache())).toSorted()).toEqual([basename(folder), 'abc.new'].toSorted());
});

test('a failing app is quoted, and leaves no result', async () => {
  await writeFile(join(project, 'infra', 'app.ts'), `console.error('first line'); throw new Error('no such table');`);
  await expect(run()).rejects.toThrow(/The CDK app infra\/app.ts ended with 1 .*\n[\s\S]*no such table/);
  expect(await readdir(cache())).toEqual([]);
});
