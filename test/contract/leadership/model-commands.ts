import fc from 'fast-check';
import { expect } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { contend, type GrantedTerm } from '../../../leadership/contend.ts';
import { sweep, toLeadershipView } from '../../../leadership/history.ts';
import { confirm, renew, resign, revoke } from '../../../leadership/leadership.ts';
import type { Item } from '../../../store/item.ts';
import {
  comparable,
  type ModelClock,
  type ModelWorld,
  maxClockSkewMs,
  outcomeOf,
  type PlannedFault,
} from './model-world.ts';

export const groups = ['orders', 'prices'] as const;
const leaseMs = 10_000;

type Command = fc.AsyncCommand<ModelWorld, ModelWorld>;

/** Makes a command of one deed: both worlds must answer the same and hold the same items afterwards. */
function command(name: string, act: (world: ModelWorld) => Promise<unknown>, fault?: PlannedFault): Command {
  return {
    check: () => true,
    toString: () => (fault ? `${name} (${fault.fault} of the first ${fault.of})` : name),
    async run(model, real) {
      const outcomes: unknown[] = [];
      for (const world of [model, real]) {
        world.plan(fault);
        const outcome = await outcomeOf(world, () => act(world));
        world.plan(undefined);
        const items = await Promise.all(groups.map((group) => world.items(group)));
        outcomes.push({ outcome, items: comparable(world, items) });
      }
      expect(outcomes[1]).toEqual(outcomes[0]);
      model.witness?.check();
    },
  };
}

/** Remembers the call, so that it can arrive once more, however late. */
function sending(world: ModelWorld, call: () => Promise<unknown>): Promise<unknown> {
  world.sent.push(call);
  return call();
}

const unknownFence: Fence = { fencingVersion: 1, sessionId: '00000000-0000-4000-8000-000000000000' };

const group = fc.constantFrom(...groups);
/** A contender in two processes: the second was started after the first, or while it runs. */
const who = fc.record({ group, contenderId: fc.constantFrom('a', 'b', 'c'), process: fc.constantFrom(1, 2) });
type Who = typeof who extends fc.Arbitrary<infer Value> ? Value : never;
const nameOf = ({ group, contenderId, process }: Who) => `${contenderId}/${process} of ${group}`;
const fenceOf = (world: ModelWorld, one: Who) => world.fences.get(nameOf(one)) ?? unknownFence;

const faulty = fc.oneof(
  fc.record({
    fault: fc.constantFrom('answer lost', 'request lost', 'duplicate', 'throttle', 'crash before', 'crash after'),
    of: fc.constantFrom('request', 'update', 'transaction'),
  }),
  // Reads never meet a conflict.
  fc.record({ fault: fc.constant('transaction conflict'), of: fc.constantFrom('update', 'transaction') }),
) as fc.Arbitrary<PlannedFault>;
const fault = fc.option(faulty, { nil: undefined, freq: 3 });
const request = fc.nat(99_999).map((number) => `request-${number}`);
const lease = fc.constantFrom(leaseMs, leaseMs, 2 * leaseMs);
const published = fc.constantFrom({ address: 'one:1' }, { address: 'two:2', metadata: { zone: 'b' } });

const damages: Record<string, (item: Item) => Item | undefined> = {
  'deletes the record': () => undefined,
  'removes the holder': ({ holder: _, ...rest }) => rest,
  'removes the version': ({ fencingVersion: _, ...rest }) => rest,
  'removes the expiry': ({ expiresAt: _, ...rest }) => rest,
  'forges the holder': (item) => ({ ...item, holder: { contenderId: 'x', sessionId: 'forged', grantedAt: 0 } }),
  'forgets the terms': ({ newestTerm: _, closedTerm: __, previous: ___, ...rest }) => rest,
  'restores a backup': (item) => ({ ...item, restoring: 'restore-1' }),
  'has restored it': ({ restoring: _, ...rest }) => rest,
};

/** Every deed there is; `moved` is the clock that both worlds read. */
export function deeds(clock: ModelClock): fc.Arbitrary<Command>[] {
  const contending = fc.tuple(who, lease, request, fault).map(([one, leaseMs, requestId, planned]) => {
    const act = async (world: ModelWorld) => {
      const call = () => contend(world.room, one.group, { contenderId: one.contenderId, leaseMs }, requestId);
      const term = (await sending(world, call)) as GrantedTerm;
      world.fences.set(nameOf(one), { fencingVersion: term.fencingVersion, sessionId: term.sessionId });
      return term;
    };
    return command(`${nameOf(one)} contends as ${requestId}`, act, planned);
  });
  const fenced =
    (what: string, call: (world: ModelWorld, one: Who, fence: Fence) => Promise<unknown>) =>
    (one: Who, planned?: PlannedFault) =>
      command(
        `${nameOf(one)} ${what}`,
        (world) => {
          const fence = fenceOf(world, one);
          if (what.startsWith('confirms')) world.witness?.confirms(one.group, fence);
          return sending(world, () => call(world, one, fence));
        },
        planned,
      );
  return [
    contending,
    contending,
    fc
      .tuple(who, published, fault)
      .map(([one, publication, planned]) =>
        fenced(`confirms ${publication.address}`, ({ room }, { group }, fence) =>
          confirm(room, group, fence, publication),
        )(one, planned),
      ),
    fc
      .tuple(who, fc.option(lease, { nil: undefined }), fc.option(published, { nil: undefined }), fault)
      .map(([one, leaseMs, publication, planned]) =>
        fenced(`renews for ${leaseMs} with ${publication?.address}`, ({ room }, { group }, fence) =>
          renew(room, group, fence, { leaseMs, ...publication }),
        )(one, planned),
      ),
    fc.tuple(who, fc.constantFrom(undefined, 'a', 'b'), request, fault).map(([one, successor, requestId, planned]) => {
      return fenced(`resigns for ${successor}`, ({ room }, { group }, fence) =>
        resign(room, group, fence, { successor }, requestId),
      )(one, planned);
    }),
    fc.tuple(group, fc.boolean(), fc.boolean(), request, fault).map(([group, force, dryRun, requestId, planned]) => {
      const act = async (world: ModelWorld) => {
        const fencingVersion = (await world.room.store.read(group, true))?.fencingVersion ?? 0;
        const order = { fencingVersion, reason: 'stuck', force, dryRun };
        return sending(world, () => revoke(world.room, group, order, requestId));
      };
      return command(
        `an operator revokes ${group}${force ? ' with force' : ''}${dryRun ? ' (dry run)' : ''}`,
        act,
        planned,
      );
    }),
    fc
      .tuple(group, fc.boolean())
      .map(([group, consistent]) =>
        command(`somebody observes ${group}`, async ({ room }) =>
          toLeadershipView(await room.store.read(group, consistent), clock.now()),
        ),
      ),
    group.map((group) =>
      command(`somebody lists the terms of ${group}`, ({ room }) => room.store.listTerms(group, undefined, 100)),
    ),
    fault.map((planned) => command('the sweep runs', ({ room }) => sweep(room.store, clock, maxClockSkewMs), planned)),
    fc
      .nat(1_000)
      .map((at) =>
        command(`request ${at} arrives again`, async ({ sent }) =>
          sent.length === 0 ? undefined : sent[at % sent.length]?.(),
        ),
      ),
    fc
      .constantFrom(1, 200, 300, 3_000, leaseMs, leaseMs + maxClockSkewMs + 1, 3 * leaseMs, -200)
      .map((ms) => passing(clock, ms)),
    fc.tuple(group, fc.constantFrom(...Object.keys(damages))).map(([group, damage]) =>
      command(`tampering ${damage} of ${group}`, async (world) => {
        world.witness?.forge('forged');
        if (await world.room.store.read(group, true))
          await world.tamper(group, damages[damage] as (item: Item) => Item | undefined);
      }),
    ),
  ];
}

/** A clock that goes back is another server's, which is behind. */
function passing(clock: ModelClock, ms: number): Command {
  return {
    check: () => true,
    toString: () => `${ms} ms pass`,
    async run() {
      clock.time += ms;
    },
  };
}
