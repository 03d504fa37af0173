import { expect, test } from 'vitest';
import { FencedError } from '../../../client/fence/fence.ts';
import { proveFenced } from '../../../client/fence/prove.ts';
import type { Provable } from '../../../client/fence/schedule.ts';

/** A register in memory, with the calls that a store has: each is atomic, and time passes between two of them. */
class Register {
  value: string | undefined;
  fence = 0;
  /** The fence on a replica that lags one write behind. */
  replicaFence = 0;

  async get(what: 'value' | 'fence' | 'replicaFence') {
    return this[what];
  }

  async putValue(value: string) {
    this.value = value;
  }

  async putFence(version: number) {
    this.replicaFence = this.fence;
    this.fence = version;
  }

  async putIfNotOlder(version: number, value: string) {
    if (version < this.fence) throw new FencedError('register', version, this.fence);
    this.fence = version;
    this.value = value;
  }
}

type Store = Pick<Register, 'get' | 'putValue' | 'putFence' | 'putIfNotOlder'>;

const target = (write: Provable<Store & { value?: string | undefined }>['write']): Provable<Register> => ({
  open: async () => ({ client: new Register() }),
  write: (client, term, value) => write(client, term, value),
  read: async (client) => client.value,
});

test('a write that checks and raises the fence at once holds in every schedule', async () => {
  const proof = await proveFenced(
    target((store, { fencingVersion }, value) => store.putIfNotOlder(fencingVersion, value)),
  );
  expect(proof).toEqual({ kind: 'held', schedules: 200, summary: 'held in 200 schedules' });
});

const broken: Record<string, Provable<Store>['write']> = {
  'no fence at all': (store, _term, value) => store.putValue(value),

  'check, then write': async (store, { fencingVersion }, value) => {
    if (Number(await store.get('fence')) > fencingVersion) throw new FencedError('register', fencingVersion, undefined);
    await store.putFence(fencingVersion);
    await store.putValue(value);
  },

  'the fence is read from a replica': async (store, { fencingVersion }, value) => {
    if (Number(await store.get('replicaFence')) > fencingVersion) throw new FencedError('register', fencingVersion, 0);
    await store.putFence(fencingVersion);
    await store.putValue(value);
  },

  'the fence is raised in a transaction of its own': async (store, { fencingVersion }, value) => {
    await store.putIfNotOlder(fencingVersion, String(await store.get('value')));
    await store.putValue(value);
  },

  'a retry without the fence': async (store, { fencingVersion }, value) => {
    try {
      await store.putIfNotOlder(fencingVersion, value);
    } catch (error) {
      if (error instanceof FencedError) throw error;
      await store.putValue(value);
    }
  },

  'a refusal that is swallowed': async (store, { fencingVersion }, value) => {
    await store.putIfNotOlder(fencingVersion, value).catch(() => undefined);
  },
};

test.each(Object.entries(broken))('finds what is wrong with: %s', async (_name, write) => {
  const proof = await proveFenced(target(write), { schedules: 500 });
  expect(proof.kind).toBe('broken');
  if (proof.kind !== 'broken') return;
  expect(proof.timeline).toContain('version 2, the new leader');
  expect(proof.timeline).toContain(`broken: ${proof.reason}`);
  // The seed repeats the schedule.
  const again = await proveFenced(target(write), { schedules: 1, seed: proof.seed });
  expect(again).toMatchObject({ kind: 'broken', reason: proof.reason, timeline: proof.timeline });
});
