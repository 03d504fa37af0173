import type { HostedFunction } from './function.ts';
import { Instance } from './instance.ts';

/** Which copy of a function carries out an invocation. */
export interface Instances {
  /** @throws TooManyRequestsError when the account runs as many invocations as it may */
  acquire(hosted: HostedFunction): Instance;
  release(hosted: HostedFunction, instance: Instance): void;
  stop(): Promise<void>;
}

/** Named as Lambda's own error. */
export class TooManyRequestsError extends Error {
  override name = 'TooManyRequestsException';
}

/** One copy of each function, in which its invocations run side by side: quick to start and small. */
export function sharedInstances(): Instances {
  const serving = new Map<HostedFunction, Instance>();
  const alive = new Set<Instance>();
  return {
    acquire(hosted) {
      const present = serving.get(hosted);
      if (present?.inService()) return present;
      const fresh = new Instance(hosted, { isolated: false }, (ended) => {
        alive.delete(ended);
        if (serving.get(hosted) === ended) serving.delete(hosted);
      });
      alive.add(fresh);
      serving.set(hosted, fresh);
      return fresh;
    },
    release() {},
    stop: () => stopAll(alive),
  };
}

/**
 * As in Lambda: each copy carries out one invocation at a time and is frozen until the next, so that the state of its
 * module belongs to one request, and what it left running stands still. A copy that waits is used again, the latest
 * first.
 */
export function isolatedInstances(concurrency: number): Instances {
  const idle = new Map<HostedFunction, Instance[]>();
  const alive = new Set<Instance>();
  let running = 0;
  return {
    acquire(hosted) {
      if (running >= concurrency)
        throw new TooManyRequestsError(`Rate Exceeded: the account runs ${concurrency} functions`);
      running += 1;
      const waiting = idle.get(hosted) ?? [];
      for (let found = waiting.pop(); found; found = waiting.pop()) if (found.inService()) return found;
      const fresh = new Instance(hosted, { isolated: true }, (ended) => alive.delete(ended));
      alive.add(fresh);
      return fresh;
    },
    release(hosted, instance) {
      running -= 1;
      if (instance.inService()) idle.set(hosted, [...(idle.get(hosted) ?? []), instance]);
    },
    stop: () => stopAll(alive),
  };
}

async function stopAll(alive: ReadonlySet<Instance>): Promise<void> {
  await Promise.all([...alive].map((instance) => instance.stop()));
}
