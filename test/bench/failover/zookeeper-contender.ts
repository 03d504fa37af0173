/** Takes part in ZooKeeper's leader election until it is killed; says "leading" once its node is the first. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface Client {
  once(event: 'connected', listener: () => void): void;
  connect(): void;
  create(path: string, data: Buffer, mode: number, done: (error: Error | null, path: string) => void): void;
  mkdirp(path: string, done: (error: Error | null) => void): void;
  getChildren(path: string, done: (error: Error | null, children: string[]) => void): void;
  exists(path: string, watcher: () => void, done: (error: Error | null, stat: unknown) => void): void;
}

interface ZooKeeper {
  createClient(address: string, options: { sessionTimeout: number }): Client;
  CreateMode: { EPHEMERAL_SEQUENTIAL: number };
}

const [peers = '', address = '', group = '', contender = '', ttlMs] = process.argv.slice(2);
const zookeeper = createRequire(join(peers, 'package.json'))('node-zookeeper-client') as ZooKeeper;
const client = zookeeper.createClient(address, { sessionTimeout: Number(ttlMs) });
client.once('connected', () => void take());
client.connect();

async function take(): Promise<void> {
  await promisify(client.mkdirp.bind(client))(`/${group}`);
  const create = promisify(client.create.bind(client));
  const own = await create(`/${group}/n-`, Buffer.from(contender), zookeeper.CreateMode.EPHEMERAL_SEQUENTIAL);
  await wait(own.slice(own.lastIndexOf('/') + 1));
}

async function wait(own: string): Promise<void> {
  const nodes = (await promisify(client.getChildren.bind(client))(`/${group}`)).toSorted();
  const before = nodes[nodes.indexOf(own) - 1];
  if (before === undefined) return console.log('leading');
  const watch = () => void wait(own);
  client.exists(`/${group}/${before}`, watch, (error, stat) => {
    if (error) throw error;
    if (!stat) watch();
  });
}
