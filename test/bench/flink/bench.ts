import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import type { Bench, Row } from '../bench.ts';
import { AbsentError } from '../peers.ts';
import { compare } from '../samples.ts';

const target = join('integrations', 'flink', 'target');
const files = { losses: join(target, 'losses.csv'), checkpoints: join(target, 'checkpoints.csv') };

/** By the names of `Loss.java`. */
const losses: Record<string, string> = {
  KILLED: '`kill -9` of the leader',
  FROZEN: 'SIGSTOP of the leader, thawed later',
  TERMINATED: 'SIGTERM of the leader',
  BOTH_KILLED: 'both JobManagers killed, one started again',
  SILENT_SHORTLY: 'the service frozen for 2 s, from its thaw',
  SILENT_LONG: 'the service frozen for 10 s, from its thaw',
  RESTARTED: 'the service stopped and started, from its readiness',
};

export const bench: Bench = {
  name: 'flink',
  sentence:
    'A standalone cluster of Apache Flink 1.20 (two JobManagers, one TaskManager, each a JVM) on Tenure, and the same on the ZooKeeper that Flink brings along: the time until checkpoints complete again after the leader or the service was lost, ten times in a row each, at a lease and a session of 5 s. In each run the job counted every number exactly once.',
  async run(say) {
    if (spawnSync('mvn', ['-version']).status !== 0)
      throw new AbsentError('Maven is missing: "apt-get install -y maven openjdk-17-jdk-headless"');
    for (const file of Object.values(files)) rmSync(file, { force: true });
    say('45 minutes on two quiet cores');
    const { status, stdout } = spawnSync(process.execPath, ['test/flink.mjs', '--bench'], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (status !== 0) throw new Error(`A cluster did not come through:\n${stdout.slice(-4_000)}`);
    const load = `The machine had a load of ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores, the clusters among it.`;
    return {
      rows: [...lossRows(), ...checkpointRows()],
      notes: [...notes, load],
      peers: ['Flink 1.20.5', 'ZooKeeper 3.7.1'],
    };
  },
};

const notes = [
  'A lost leader is noticed when its lease or session is over; SIGTERM gives both back at once. While the service does not answer, a JobManager on Tenure keeps its term until its lease is over, and one on ZooKeeper gives its leadership up with the connection.',
];

function lossRows(): Row[] {
  const lines = readFileSync(files.losses, 'utf8').trim().split('\n');
  const of = (kind: string, loss: string) =>
    lines.filter((line) => line.startsWith(`${kind},${loss},`)).map((line) => Number(line.split(',')[2]));
  return Object.entries(losses).map(([loss, title]) => {
    const ours = of('TENURE', loss);
    const all = of('ZOOKEEPER', loss);
    const theirs = all.filter(Number.isFinite);
    const left = all.length > theirs.length ? ', then it did not come back within 3 min' : '';
    const worst = `${ours.length} of ours, worst ${Math.max(...ours).toFixed(1)} s; ${theirs.length} of theirs, worst ${Math.max(...theirs).toFixed(1)} s${left}`;
    return compare(`${title} (${worst})`, { ours, theirs, unit: 's', digits: 1 });
  });
}

function checkpointRows(): Row[] {
  const lines = readFileSync(files.checkpoints, 'utf8').trim().split('\n');
  const of = (kind: string, column: number) =>
    lines.filter((line) => line.startsWith(`${kind},`)).map((line) => Number(line.split(',')[column]));
  const id = compare('the id of a checkpoint', { ours: of('TENURE', 1), theirs: of('ZOOKEEPER', 1) });
  const [ours, theirs] = [of('TENURE', 2), of('ZOOKEEPER', 2)];
  return [id, compare(`a checkpoint finalised, median of ${ours.length}`, { ours, theirs, atMost: 1.5 })];
}
