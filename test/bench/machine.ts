import { spawnSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** The machine of a measurement, in one line: date, cores, memory, versions of Node, Java and the peers. */
export function describeMachine(peers: string[]): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? process.arch;
  const memory = Math.round(totalmem() / 2 ** 30);
  const versions = [`Node ${process.versions.node}`, ...java(), ...peers].join(', ');
  return `${new Date().toISOString().slice(0, 10)}, ${cores.length} cores (${model}), ${memory} GiB; ${versions}.`;
}

/** None where Java is missing: then nothing was measured that needs it. */
function java(): string[] {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const [, version] = /version "([^"]+)"/.exec(stderr ?? '') ?? [];
  return version ? [`Java ${version}`] : [];
}
