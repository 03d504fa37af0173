import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from '../../support/free-port.ts';
import { AbsentError, peerPackage, peersFolder } from '../peers.ts';
import { contender, eventually, killWithUs, program, type System, ttlMs } from './system.ts';

const jar = '/usr/share/java/zookeeper.jar';

/**
 * One ZooKeeper with the tick of Debian's configuration, and its usual election: ephemeral nodes in a sequence, each
 * watching the one before.
 */
export async function zookeeper(): Promise<System[]> {
  if (!existsSync(jar)) throw new AbsentError('ZooKeeper is missing: "apt-get install -y zookeeperd"');
  const client = peerPackage('node-zookeeper-client');
  const [port, file, folder] = await Promise.all([
    freePort(),
    program('zookeeper-contender.ts'),
    mkdtemp(join(tmpdir(), 'tenure-bench-zookeeper-')),
  ]);
  const settings = [
    'tickTime=2000',
    `dataDir=${folder}`,
    `clientPort=${port}`,
    'clientPortAddress=127.0.0.1',
    'maxClientCnxns=0',
    'admin.enableServer=false',
    '4lw.commands.whitelist=mntr',
  ];
  await writeFile(join(folder, 'zoo.cfg'), settings.join('\n'));
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
  const server = spawn('java', ['-Xmx256m', '-cp', jar, main, join(folder, 'zoo.cfg')], { stdio: 'ignore' });
  const exited = once(server, 'exit');
  killWithUs(server);
  const monitor = async () => {
    // A server that is just starting may accept it and never answer.
    const socket = new Socket({ signal: AbortSignal.timeout(2_000) }).connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.end('mntr');
    return text(socket);
  };
  const [, version] = await eventually(async () => {
    const found = /zk_version\s+([\d.]+)/.exec(await monitor());
    if (!found) throw new Error('ZooKeeper does not answer');
    return found;
  });
  const system: System = {
    name: 'ZooKeeper',
    ways: ['contender'],
    version: `ZooKeeper ${version} with ${client.version}`,
    contend: (group, name) =>
      contender(
        process.execPath,
        [file, peersFolder, `127.0.0.1:${port}`, group, name, String(ttlMs)],
        {},
        /^leading$/m,
      ),
    requests: async () => Number(/zk_packets_received\s+(\d+)/.exec(await monitor())?.[1] ?? 0),
    async stop() {
      server.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
  return [system];
}
