import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import packageJson from '../../../package.json' with { type: 'json' };
import { family } from '../../support/processes.ts';
import { project, startStack } from '../../support/stack.ts';
import { contender, program, type System, ttlMs } from './system.ts';

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (cause) {
    throw new Error('The leader is no leader any more, though nobody killed it: the machine is too busy', { cause });
  }
}

/** Fitting into the relation of the settings: two renewals and a timeout are less than a lease. */
const seldom = { renewEveryMs: 2_000, requestTimeoutMs: 900 };

/**
 * The embedded stack, and processes with a LeaderElector: in its default settings except for the lease, and once more
 * with renewals as seldom as etcd's keep-alives, every 2 s: the older the last renewal when a leader dies, the sooner
 * its lease is over. And the command `tenure lead`.
 */
export async function tenure(): Promise<System[]> {
  const [stack, file] = await Promise.all([startStack({ schedules: false }), program('tenure-contender.ts')]);
  const systemOf = (name: string, settings: object): System => {
    let requests = 0;
    const count = (text: string) => {
      requests += text.match(/^request$/gm)?.length ?? 0;
    };
    return {
      name,
      ways: ['contender'],
      version: `Tenure ${packageJson.version}`,
      contend(group, contenderId) {
        const options = JSON.stringify({ group: `${name}-${group}`, contenderId, leaseMs: ttlMs, ...settings });
        return contender(process.execPath, [file, stack.api, options], {}, /^leading$/m, count);
      },
      requests: async () => requests,
      stop: () => stack.stop(),
    };
  };
  /** The command `tenure lead`, whose guard gives the lease back. */
  const lead: System = {
    name: 'tenure-lead',
    ways: ['contender', 'command', 'both', 'machine'],
    version: `Tenure ${packageJson.version}`,
    contend(group, contenderId) {
      const options = ['--group', `lead-${group}`, '--id', contenderId, '--lease', `${ttlMs}ms`, '--stay', '--json'];
      const command = ['sh', '-c', 'echo "runs as $$"; exec sleep 600'];
      const argv = [process.execPath, join(project, 'cli/tenure.mjs'), 'lead', ...options, ...command];
      let pid = 0;
      const learn = (text: string) => {
        pid = Number(/runs as (\d+)/.exec(text)?.[1] ?? pid);
      };
      // It reports on standard error.
      const [shell, env] = [['-c', 'exec "$@" 2>&1', 'sh', ...argv], { TENURE_URL: stack.api }];
      const started = contender('sh', shell, env, /"event":"confirmed"/, learn);
      return {
        ...started,
        kill(way) {
          // Its guard, which is to do nothing any more, is the first that it has started.
          const [, guard = 0] = way === 'machine' ? family(started.pid) : [];
          const at = performance.now();
          if (guard > 0) kill(guard);
          if (way !== 'contender' && pid > 0) kill(pid);
          if (way !== 'command') started.kill(way);
          return at;
        },
      };
    },
    requests: async () => 0,
    stop: async () => {},
  };
  return [systemOf('Tenure', {}), systemOf('Tenure-every-2-s', seldom), lead];
}
