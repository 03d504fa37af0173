import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { endServer } from '../../support/foreign-server.ts';
import { AbsentError, peersFolder } from '../peers.ts';
import { gatedRelay, type Relay } from './gated-relay.ts';
import { createLockTable } from './lock-table.ts';
import { Gate, type Locks, leaseMs, renewEveryMs } from './locks.ts';

/** A lock client of another language, as a program of test/bench/peers that contends as often as it is asked to. */
interface Program {
  /** With its version. */
  readonly name: string;
  readonly command: string;
  readonly argv: readonly string[];
}

/** `cirello.io/dynamolock/v2`. @throws AbsentError where Go is missing. */
export function dynamolock(wire: string, dynamodb: string): Promise<Locks> {
  const folder = join(peersFolder, 'go');
  const command = join(mkdtempSync(join(tmpdir(), 'tenure-bench-')), 'contenders');
  const name = 'cirello.io/dynamolock/v2 2.0.2';
  prepare(name, 'apt-get install -y golang', 'go', ['build', '-o', command, '.'], folder);
  return processLocks({ name, command, argv: [] }, wire, dynamodb);
}

/** `com.amazonaws:dynamodb-lock-client`. @throws AbsentError where Maven is missing. */
export function javaLockClient(wire: string, dynamodb: string): Promise<Locks> {
  const folder = join(peersFolder, 'java');
  const lib = mkdtempSync(join(tmpdir(), 'tenure-bench-'));
  const name = 'com.amazonaws:dynamodb-lock-client 1.3.0';
  const copy = ['-q', 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`];
  prepare(name, 'apt-get install -y maven openjdk-17-jdk-headless', 'mvn', copy, folder);
  const argv = ['-cp', join(lib, '*'), join(folder, 'Contenders.java')];
  return processLocks({ name, command: 'java', argv }, wire, dynamodb);
}

function prepare(name: string, install: string, command: string, argv: readonly string[], cwd: string): void {
  const { status, stderr } = spawnSync(command, argv, { cwd, encoding: 'utf8' });
  if (status === null) throw new AbsentError(`${name} needs ${command}: "${install}"`);
  if (status !== 0) throw new AbsentError(`${name} cannot be built by ${command}: ${stderr.trim().split('\n').at(-1)}`);
}

async function processLocks({ name, command, argv }: Program, wire: string, dynamodb: string): Promise<Locks> {
  const table = await createLockTable(dynamodb, 'id');
  const child = spawn(command, [...argv, table, String(leaseMs), String(renewEveryMs)], {
    // A crashed contender complains of its requests.
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const obey = orders(child);
  const relays: Relay[] = [];
  const acquire = async (key: string, contender: string, gate: Gate) => {
    const relay = await gatedRelay(wire, gate);
    relays.push(relay);
    await obey('acquire', contender, key, relay.endpoint);
  };
  return {
    name,
    async steps() {
      const gate = new Gate();
      // The first lock of a key makes its item, or a client its schema; what follows is what happens every day.
      await acquire('steps', 'first', new Gate());
      await obey('release', 'first');
      return {
        'acquire a free lock': () => acquire('steps', 'second', gate),
        renew: () => gate.next(),
        observe: () => obey('observe', 'first', 'steps'),
        release: () => obey('release', 'second'),
      };
    },
    contend(group, contender) {
      const gate = new Gate();
      const leads = acquire(group, `${group}-${contender}`, gate);
      return { leads, renewed: () => gate.next(), crash: () => gate.close() };
    },
    async stop() {
      await endServer(child);
      for (const relay of relays) relay.stop();
    },
  };
}

/** Sends orders; each resolves when the program says that it has carried it out. */
function orders(child: ChildProcess): (order: string, contender: string, ...more: string[]) => Promise<void> {
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error('The program has no pipes');
  const done = new Map<string, () => void>();
  createInterface({ input: stdout }).on('line', (line) => done.get(line)?.());
  const failed = Promise.race([
    once(child, 'error').then(([cause]) => Promise.reject(new Error('The contenders cannot start', { cause }))),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`The contenders ended with ${code}`))),
  ]);
  failed.catch(() => {});
  return (order, contender, ...more) => {
    const carriedOut = new Promise<void>((resolve) => done.set(`${order} ${contender}`, resolve));
    stdin.write(`${[order, contender, ...more].join(' ')}\n`);
    return Promise.race([carriedOut, failed]);
  };
}
