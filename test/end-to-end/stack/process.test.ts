import { existsSync } from 'node:fs';
import { chown, copyFile, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startDynamoDbLocal } from '../../../emulator/dynamodb/dynamodb.ts';
import { alive, family, type Watched, watch } from '../../support/processes.ts';
import { project, type StackDescription, startStack } from '../../support/stack.ts';
import { inTerminal, terminalsAvailable } from '../../support/terminal/in-terminal.ts';

const app = 'test/infra/emulator/fixture/app.ts';
let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tenure-process-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const start = (argv: string[], env: NodeJS.ProcessEnv = process.env) =>
  watch(process.execPath, [join(project, 'emulator/start.mjs'), '--port', '0', '--app', app, ...argv], {
    cwd: project,
    env,
  });

/** As a terminal does it: a process group of its own. */
const npmStart = (argv: string[]) =>
  watch('npm', ['start', '--', '--port', '0', '--app', app, ...argv], { cwd: project, detached: true });

const folderOf = (stack: Watched) => /^data {6}(\S+)/m.exec(stack.output())?.[1] ?? '';

async function nothingLeft(pids: number[]) {
  expect(pids.length).toBeGreaterThan(1);
  await vi.waitFor(() => expect(alive(pids)).toEqual([]), { timeout: 60_000, interval: 100 });
}

test('an ephemeral stack describes itself, and Ctrl-C in a terminal with npm start leaves nothing behind', async () => {
  const npm = npmStart(['--ephemeral', '--no-schedules']);
  await npm.says('ready on ');
  await npm.says('next, in another terminal: ');
  expect(npm.output()).toMatch(/^starting {2}with Node \d/m);
  const folder = folderOf(npm);
  const description = JSON.parse(await readFile(join(folder, 'stack.json'), 'utf8')) as StackDescription;
  expect(description).toMatchObject({
    api: /^ready on (\S+) \(\d+\.\d s\)$/m.exec(npm.output())?.[1],
    table: expect.stringContaining('fixture-store-Table'),
    replicaTables: [],
    bucket: expect.stringContaining('fixture-store-bucket'),
  });
  const pids = family(npm.child.pid);
  expect(pids).toContain(description.pid);
  expect(alive(pids).join('\n')).toContain('DynamoDBLocal.jar');
  process.kill(-(npm.child.pid ?? 0), 'SIGINT');
  await npm.ended();
  expect(npm.output()).toContain('stopping (SIGINT)');
  expect(existsSync(folder)).toBe(false);
  await nothingLeft(pids);
});

test('nor does npm being killed', async () => {
  const npm = npmStart(['--ephemeral']);
  await npm.says('ready on ');
  const pids = family(npm.child.pid);
  npm.child.kill('SIGKILL');
  await nothingLeft(pids);
  expect(existsSync(folderOf(npm))).toBe(false);
});

/** Started once, as two ways to end are tried on them when all else has been. */
describe('two side by side', () => {
  let stacks: { process: Watched; description: StackDescription; pids: number[] }[];
  beforeAll(async () => {
    stacks = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const folder = join(scratch, name);
        const process = start(['--data', folder]);
        await process.says('ready on ');
        const description = JSON.parse(await readFile(join(folder, 'stack.json'), 'utf8')) as StackDescription;
        return { process, description, pids: family(process.child.pid) };
      }),
    );
  });
  afterAll(() => {
    for (const { process } of stacks ?? []) process.child.kill('SIGKILL');
  });
  const at = (index: number) => stacks[index] as (typeof stacks)[number];

  test('each has its own state; a third on the same folder is refused', async () => {
    const { description: one } = at(0);
    const { description: two } = at(1);
    expect(new Set([one.api, two.api, one.dynamodb, two.dynamodb, one.s3, two.s3]).size).toBe(6);
    const counted = async (api: string) =>
      ((await (await fetch(`${api}/echo`)).json()) as { invocations: number }).invocations;
    expect([await counted(one.api), await counted(one.api), await counted(two.api)]).toEqual([1, 2, 1]);

    const folder = join(scratch, 'one');
    const third = start(['--data', folder]);
    expect(await third.ended()).toBe(1);
    expect(third.output()).toContain(`${folder} is in use by the stack with process id ${one.pid} (${one.api})`);
    expect(await counted(one.api)).toBe(3);
  });

  test('a second signal does not wait for what still runs', async () => {
    const { process: stack, description, pids } = at(0);
    const waiting = fetch(`${description.api}/echo?as=wait&ms=4000`).catch(() => 'broken off');
    await vi.waitFor(async () => expect((await fetch(`${description.api}/echo/loaded`)).status).toBe(200), {
      timeout: 60_000,
      interval: 100,
    });
    stack.child.kill('SIGTERM');
    const again = setInterval(() => stack.child.kill('SIGINT'), 100);
    expect(await stack.ended()).toBe(130);
    clearInterval(again);
    expect(await waiting).toBe('broken off');
    await nothingLeft(pids);
  });

  test('one that is killed leaves no process behind, nor does a signal while it comes up again', async () => {
    const { process: killed, pids } = at(1);
    killed.child.kill('SIGKILL');
    await nothingLeft(pids);

    const early = start(['--data', join(scratch, 'two')]);
    await early.says('template  ');
    const earlyPids = family(early.child.pid);
    early.child.kill('SIGINT');
    expect(await early.ended()).toBe(0);
    await nothingLeft(earlyPids);
    expect(early.output()).not.toContain('ready on');
    expect(existsSync(join(scratch, 'two', 'lock'))).toBe(false);
  });
});

test.runIf(terminalsAvailable)('Ctrl-C shows no stack trace, however far npm start has come', async () => {
  const data = join(scratch, 'interrupted');
  const streams = { stdin: 'terminal', stdout: 'terminal', stderr: 'terminal' } as const;
  for (const moment of ['starting  ', 'data      ', 'template  ', 'dynamodb  ', 'ready on ']) {
    const argv = ['npm', 'start', '--', '--port', '0', '--app', app, '--data', data];
    const typed = inTerminal(argv, { streams, cwd: project });
    onTestFinished(() => typed.kill());
    await typed.says(moment);
    typed.type('\x03');
    await typed.ended();
    expect(typed.screen(), moment).not.toMatch(/^\s+at .+:\d+|Error|npm error/m);
    expect(existsSync(join(data, 'lock')), moment).toBe(false);
  }
});

test.runIf(terminalsAvailable)(
  'Ctrl-C while packages are installed waits for npm to take back what it has begun',
  async () => {
    const clone = await mkdtemp(join(tmpdir(), 'tenure-clone-'));
    onTestFinished(() => rm(clone, { recursive: true }));
    await mkdir(join(clone, 'emulator'));
    for (const file of ['emulator/install.mjs', 'package.json', 'package-lock.json'])
      await copyFile(join(project, file), join(clone, file));
    const unwinding = 'trap "sleep 1; echo unwound; exit 130" INT; echo installing; while :; do sleep 0.1; done';
    await writeFile(join(clone, 'npm'), `#!/bin/sh\n${unwinding}\n`, { mode: 0o755 });
    const install = `import('${join(clone, 'emulator/install.mjs')}').then(({ installIfNeeded }) => installIfNeeded())`;
    const streams = { stdin: 'terminal', stdout: 'terminal', stderr: 'terminal' } as const;
    const env = { ...process.env, PATH: `${clone}:${process.env['PATH']}` };
    const installing = inTerminal([process.execPath, '-e', install], { streams, env });
    onTestFinished(() => installing.kill());
    await installing.says('installing');
    installing.type('\x03');
    expect(await installing.ended()).toMatchObject({ code: 130 });
    expect(installing.screen().trimEnd()).toMatch(/unwound$/);
  },
);

test.runIf(process.getuid?.() === 0 && existsSync('/usr/bin/setpriv'))(
  'a second user of the same clone has a state and a cache of their own',
  async () => {
    const home = await mkdtemp(join(tmpdir(), 'tenure-home-'));
    onTestFinished(() => rm(home, { recursive: true, force: true }));
    const [uid, gid] = [65_534, 65_534];
    await chown(home, uid, gid);
    const argv = ['start', '--', '--port', '0', '--app', app];
    const as = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', 'npm', ...argv];
    const env = { ...process.env, HOME: home, npm_config_cache: join(home, '.npm') };
    const theirs = watch('setpriv', as, { cwd: project, env, detached: true });
    onTestFinished(() => void theirs.child.kill('SIGKILL'));
    await theirs.says('ready on ');
    const folder = folderOf(theirs);
    expect(folder.startsWith(join(home, '.local/state/tenure/'))).toBe(true);
    expect((await stat(folder)).uid).toBe(uid);
    process.kill(-(theirs.child.pid ?? 0), 'SIGINT');
    await theirs.ended();
    expect(theirs.output()).toContain('stopping (SIGINT)');
  },
);

test('a DynamoDB that already runs is used, and left running', async () => {
  const outside = await startDynamoDbLocal();
  const stack = await startStack({ app, env: { AWS_ENDPOINT_URL_DYNAMODB: outside.endpoint } });
  const client = new DynamoDBClient({
    endpoint: outside.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  try {
    expect(stack.dynamodb).toBe(outside.endpoint);
    const { environment } = (await (await fetch(`${stack.api}/echo`)).json()) as { environment: object };
    expect(environment).toMatchObject({ AWS_ENDPOINT_URL_DYNAMODB: outside.endpoint, AWS_ENDPOINT_URL_S3: stack.s3 });
    expect(existsSync(join(stack.folder, 'dynamodb'))).toBe(false);
  } finally {
    await stack.stop();
  }
  const { TableNames } = await client.send(new ListTablesCommand({}));
  expect(TableNames).toEqual([stack.table]);
  await outside.stop();
});

test('a port that is taken is named', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => void taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const stack = start(['--ephemeral', '--port', String(port)]);
  expect(await stack.ended()).toBe(1);
  expect(stack.output()).toContain(`Port ${port} is in use: choose another with --port`);
  expect(existsSync(folderOf(stack))).toBe(false);
  taken.close();
});

test('without Java the message says how to get it', async () => {
  const path = join(scratch, 'bin');
  await mkdir(path);
  await symlink(process.execPath, join(path, 'node'));
  const stack = start(['--ephemeral'], { ...process.env, PATH: path });
  expect(await stack.ended()).toBe(1);
  expect(stack.output()).toContain(
    'DynamoDB Local needs Java 17 or newer: install it with "apt-get install -y openjdk-17-jre-headless"',
  );
});

test('an unknown option is refused with the usage, and --help is not an error', async () => {
  const wrong = start(['--prot', '1']);
  expect(await wrong.ended()).toBe(64);
  expect(wrong.output()).toMatch(/Unknown option '--prot'[\s\S]+npm start \[-- options\]/);
  const help = start(['--help']);
  expect(await help.ended()).toBe(0);
});
