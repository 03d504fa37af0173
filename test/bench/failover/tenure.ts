import packageJson from '../../../package.json' with { type: 'json' };
import { startStack } from '../../support/stack.ts';
import { contender, program, type System, ttlMs } from './system.ts';

/** Fitting into the relation of the settings: two renewals and a timeout are less than a lease. */
const seldom = { renewEveryMs: 2_000, requestTimeoutMs: 900 };

/**
 * The embedded stack, and processes with a LeaderElector: in its default settings except for the lease, and once more with renewals as
 * seldom as etcd's keep-alives, every 2 s: the older the last renewal when a leader dies, the sooner its lease is over.
 */
export async function tenure(): Promise<System[]> {
  const [stack, file] = await Promise.all([startStack({ schedules: false }), program('tenure-contender.ts')]);
  const systemOf = (name: string, settings: object): System => {
    let requests = 0;
    const count = () => {
      requests += 1;
    };
    return {
      name,
      version: `Tenure ${packageJson.version}`,
      contend(group, contenderId) {
        const options = JSON.stringify({ group: `${name}-${group}`, contenderId, leaseMs: ttlMs, ...settings });
        return contender(process.execPath, [file, stack.api, options], {}, /^leading$/m, count);
      },
      requests: async () => requests,
      stop: () => stack.stop(),
    };
  };
  return [systemOf('Tenure', {}), systemOf('Tenure-every-2-s', seldom)];
}
