import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { AbsentError } from '../peers.ts';
import { contender, eventually, killWithUs, type System, ttlMs } from './system.ts';

/** One etcd, and `etcdctl lock`, which keeps a lease alive and prints its key once it holds the lock. */
export async function etcd(): Promise<System[]> {
  const found = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
  if (found.error || spawnSync('etcdctl', ['version']).error)
    throw new AbsentError('etcd is missing: "apt-get install -y etcd-server etcd-client"');
  const folder = await mkdtemp(join(tmpdir(), 'tenure-bench-etcd-'));
  const [clients, peers] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const server = spawn(
    'etcd',
    [
      ['--data-dir', folder, '--log-level', 'error'],
      ['--listen-client-urls', clients, '--advertise-client-urls', clients],
      ['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers, '--initial-cluster', `default=${peers}`],
    ].flat(),
    { stdio: 'ignore' },
  );
  const exited = once(server, 'exit');
  killWithUs(server);
  const metrics = async () => (await fetch(`${clients}/metrics`)).text();
  await eventually(metrics);
  const system: System = {
    name: 'etcd',
    ways: ['contender'],
    version: `etcd ${/etcd Version: (\S+)/.exec(found.stdout)?.[1]}`,
    contend: (group, name) =>
      contender(
        'etcdctl',
        ['lock', `--ttl=${ttlMs / 1_000}`, `/${group}`],
        { ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: clients, TENURE_BENCH_CONTENDER: name },
        /./,
      ),
    async requests() {
      const kept = /^grpc_server_msg_received_total\{grpc_method="LeaseKeepAlive".*\} (\S+)$/m.exec(await metrics());
      return Number(kept?.[1] ?? 0);
    },
    async stop() {
      server.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
  return [system];
}
