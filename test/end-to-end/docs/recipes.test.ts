import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test, vi } from 'vitest';
import { fileOf, Kitchen } from '../../support/docs/recipes.ts';
import { newGroup } from '../leadership/tenure.ts';

const kitchen = () => new Kitchen({ TENURE_URL: inject('stack').api });

/** The lines of a file that programs of a recipe write to. */
const lines = (one: Kitchen, file: string) =>
  existsSync(join(one.folder, file)) ? one.read(file).trim().split('\n') : [];

/** A lease that no busy machine loses, and looks so often that nobody waits for a third of it. */
const steady = '--lease 60s --hand-over-poll 300ms';

/** In the order of `begin N`, `end N`: whether no two overlapped. */
function mostAtOnce(log: readonly string[]): number {
  let now = 0;
  return Math.max(...log.map((line) => (now += line.startsWith('begin') ? 1 : -1)));
}

test('a cron job runs on one host of two, and the other ends with 75', async () => {
  const here = kitchen();
  const [, command = ''] = /report {2}(tenure lock .*)/.exec(fileOf('cron', 'crontab')) ?? [];
  here.program('report', 'echo "ran $TENURE_FENCING_VERSION" >>ran; until [ -e go ]; do sleep 0.05; done');
  const line = command.replace('nightly-report', newGroup()).replace('/usr/local/bin/report', 'report');
  const first = here.sh(line);
  await vi.waitFor(() => expect(lines(here, 'ran')).toEqual(['ran 1']), 60_000);
  expect(await here.sh(line).ended()).toBe(75);
  here.write('go', '');
  expect(await first.ended(), first.output()).toBe(0);
  expect(lines(here, 'ran')).toEqual(['ran 1']);
});

test('of two instances that start, one migrates and then the other finds nothing left to do', async () => {
  const here = kitchen();
  here.program(
    'migrate',
    'echo begin >>log; [ -e done ] || { sleep 0.3; echo "$*" >>applied; }; : >done; echo end >>log',
  );
  here.write('server.js', "console.log('serves');");
  const entry = here.write(
    'entry.sh',
    fileOf('migration', 'entry.sh').replace('orders-migration', `${newGroup()} ${steady}`),
  );
  const instances = [1, 2].map(() => here.run('sh', [entry], { DATABASE_URL: 'postgres://db' }));
  for (const instance of instances) {
    expect(await instance.ended(), instance.output()).toBe(0);
    expect(instance.output()).toContain('serves');
  }
  expect(lines(here, 'applied')).toEqual(['-path ./sql -database postgres://db up']);
  expect(mostAtOnce(lines(here, 'log'))).toBe(1);
});

test('Terraform runs one at a time, and of builds at most three', async () => {
  const here = kitchen();
  const slow = 'echo begin >>$0.log; sleep 0.4; echo end >>$0.log';
  for (const name of ['terraform', 'make']) here.program(name, slow);
  const [plan, builds] = [fileOf('terraform-and-ci', 'plan.yaml'), fileOf('terraform-and-ci', 'builds.yaml')].map(
    (step) => step.replace('- run: ', '').replace(/(lock|semaphore) \S+/, `$1 ${newGroup()}`),
  );
  const runs = [plan, plan, builds, builds, builds, builds].map((line = '') =>
    here.sh(line.replace('--lease 60s', '').replace(' -- ', ` ${steady} -- `)),
  );
  for (const run of runs) expect(await run.ended(), run.output()).toBe(0);
  expect(lines(here, 'bin/terraform.log')).toEqual(['begin', 'end', 'begin', 'end']);
  expect(lines(here, 'bin/make.log')).toHaveLength(8);
  expect(mostAtOnce(lines(here, 'bin/make.log'))).toBeLessThanOrEqual(3);
});

const queue = `
import { appendFileSync, existsSync, readFileSync, unlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
interface Message { readonly id: string }
async function receive(): Promise<Message[]> {
  const left = [1, 2, 3, 4, 5, 6].map(String).filter((id) => !existsSync('removed-' + id));
  if (left.length === 0) process.exit(0);
  await pause(100);
  return left.slice(0, 1).map((id) => ({ id }));
}
async function store({ id }: Message, version: number) { appendFileSync('stored', version + ' ' + id + '\\n'); }
async function remove({ id }: Message) { appendFileSync('removed-' + id, ''); }
`;

test('a queue has one consumer; a second one continues when the first is killed', async () => {
  const here = kitchen();
  const env = { TENURE_GROUP: newGroup() };
  const first = here.ts('singleton-consumer', 'consumer.ts', queue, env);
  await vi.waitFor(() => expect(lines(here, 'stored').length).toBeGreaterThan(2), 60_000);
  const second = here.ts('singleton-consumer', 'consumer.ts', queue, env);
  first.child.kill('SIGKILL');
  expect(await second.ended(), second.output()).toBe(0);
  const stored = lines(here, 'stored').map((line) => line.split(' ').map(Number));
  const [versions, ids] = [stored.map(([version]) => version), stored.map(([, id]) => id)];
  expect([...new Set(ids)]).toEqual([1, 2, 3, 4, 5, 6]);
  expect([...new Set(versions)]).toEqual([1, 2]);
  expect(versions).toEqual(versions.toSorted());
});

const amounts = `
import { setTimeout as pause } from 'node:timers/promises';
async function readStream(position: number) {
  await pause(150);
  const found = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].slice(position, position + 2);
  return { amounts: found, next: position + found.length };
}
`;

test('a stream processor that is killed is continued from its last checkpoint, and no amount counts twice', async () => {
  const here = kitchen();
  const env = { TENURE_GROUP: newGroup() };
  const first = here.ts('stream-processor', 'processor.ts', amounts, env);
  await first.says('term 1: 4 read, total 10');
  first.child.kill('SIGKILL');
  const second = here.ts('stream-processor', 'processor.ts', amounts, env);
  await second.says('finished with total 55');
  expect(await second.ended(), second.output()).toBe(0);
  expect(second.output()).toContain('term 2: 10 read, total 55');
});

/** The work lasts until the other invocation has returned. */
const books = `
let returned = () => {};
const other = new Promise<void>((resolve) => (returned = resolve));
async function closeBooks(slot: string, version: number) { await other; return slot + ' by version ' + version; }
const invocations = [handler({ time: 'monday' }), handler({ time: 'monday' })];
Promise.race(invocations).then(returned);
console.log((await Promise.all(invocations)).sort().join(' | '));
`;

test('a scheduled function that is invoked twice at once works once', async () => {
  const invoked = kitchen().ts('scheduled-lambda', 'handler.ts', books);
  expect(await invoked.ended(), invoked.output()).toBe(0);
  expect(invoked.output()).toMatch(/^another invocation is at it \| monday by version \d+\n$/);
});

async function statusOf(url: string): Promise<number> {
  return (await fetch(url)).status;
}

/** Where `tenure lead --health` says that it listens. */
const healthOf = async (one: { says(text: string): Promise<void>; output(): string }) => {
  await one.says('health at http://');
  return /health at (http:\S+)/.exec(one.output())?.[1] ?? '';
};

test('the active instance is healthy and the passive one is not, until the first is killed', async () => {
  const here = kitchen();
  here.write('server.js', 'setInterval(() => {}, 1000);');
  // On loopback, and any free port.
  const script = fileOf('active-passive', 'start.sh').replace('":$HEALTH_PORT"', '127.0.0.1:0');
  const start = here.write('start.sh', script.replace('--group shop', `--group ${newGroup()} ${steady}`));
  const active = here.run('sh', [start], { MY_ADDRESS: 'one:80' });
  const activeHealth = await healthOf(active);
  await vi.waitFor(async () => expect(await statusOf(activeHealth)).toBe(200), 60_000);
  const passive = here.run('sh', [start], { MY_ADDRESS: 'two:80' });
  const passiveHealth = await healthOf(passive);
  expect([await statusOf(passiveHealth), await statusOf(`${passiveHealth}/live`)]).toEqual([503, 200]);
  active.child.kill('SIGKILL');
  await vi.waitFor(async () => expect(await statusOf(passiveHealth)).toBe(200), 60_000);
});

test('the containers of the manifests lead, and their probes find them ready', async () => {
  const manifest = fileOf('ecs-and-kubernetes', 'deployment.yaml');
  const words = (line: RegExp) =>
    (line.exec(manifest)?.[1] ?? '').split(', ').map((word) => word.replaceAll(/^"|"$/g, ''));
  const kubernetes = [...words(/command: \[(.*)\]/), ...words(/args: \[(.*)\]/)];
  const [task] = JSON.parse(fileOf('ecs-and-kubernetes', 'task-definition.json')).containerDefinitions;
  for (const argv of [kubernetes, [...task.entryPoint, ...task.command]]) {
    const here = kitchen();
    here.write('server.js', 'setInterval(() => {}, 1000);');
    const group = newGroup();
    const given: string[] = argv.map((word: string) =>
      word === ':8081' ? '127.0.0.1:0' : word === 'orders' ? group : word.replace('$(POD_IP)', '10.0.0.7'),
    );
    const container = here.run(given[0] ?? '', given.slice(1));
    const health = await healthOf(container);
    const [ready = '', live = ''] = [...manifest.matchAll(/httpGet: \{ path: (\S+), port: 8081 \}/g)].map(
      ([, path]) => path,
    );
    await vi.waitFor(async () => expect(await statusOf(`${health}${ready}`)).toBe(200), 60_000);
    expect(await statusOf(`${health}${live}`)).toBe(200);
    container.child.kill('SIGTERM');
    expect(await container.ended(), container.output()).toBe(143);
  }
});
