/** Everybody who is no contender: operators, observers, the sweep, and tampering with the record. */
import { sweep, toLeadershipView } from '../../../leadership/history.ts';
import { revoke } from '../../../leadership/leadership.ts';
import type { Item } from '../../../store/item.ts';
import type { MemoryLeaseStore } from '../../support/memory-lease-store.ts';
import { createProcess } from './process.ts';
import type { Service } from './service.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

interface Others {
  readonly world: World;
  readonly service: Service;
  readonly witness: Witness;
  readonly group: string;
  /** Time between two deeds, ms on average. */
  readonly everyMs: number;
}

const never = () => 0;

/** Returns the leader that was shown; undefined when there was none or no answer came. */
export async function observeOnce({ world, service, witness, group }: Omit<Others, 'everyMs'>, consistent: boolean) {
  const since = consistent ? witness.highest(group) : 0;
  const observer = createProcess(world, 'observer', never, 0);
  const { answer } = await observer.ask(2_000, () =>
    service.call(async ({ store, clock }) => toLeadershipView(await store.read(group, consistent), clock.now())),
  );
  if (!answer?.leader) return undefined;
  const { fencingVersion, leader } = answer;
  witness.shown(group, { fencingVersion, sessionId: leader.sessionId }, since);
  return answer;
}

export async function observe(others: Others): Promise<void> {
  const { world, everyMs } = others;
  for (;;) {
    await world.sleep(world.random.exponential(everyMs));
    await observeOnce(others, world.random.chance(0.5));
  }
}

/** Revokes what it sees, sometimes long after it saw it. */
export async function operate(others: Others): Promise<void> {
  const { world, service, group, everyMs } = others;
  const { random } = world;
  const operator = createProcess(world, 'operator', never, 0);
  for (let order = 1; ; order += 1) {
    await operator.pause(random.exponential(everyMs));
    const { answer } = await operator.ask(2_000, () => service.call(({ store }) => store.read(group, true)));
    if (!answer) continue;
    await operator.pause(random.exponential(300));
    const { fencingVersion } = answer;
    const deed = { fencingVersion, reason: 'stuck', force: random.chance(0.3), dryRun: random.chance(0.1) };
    const requestId = `revocation-${order}`;
    for (let tries = 0; tries < 3; tries += 1) {
      const received = await operator.ask(1_000, () => service.call((room) => revoke(room, group, deed, requestId)));
      if (received.answer || received.problem) break;
    }
  }
}

export async function sweepAll({ world, service, everyMs }: Omit<Others, 'group'>): Promise<void> {
  for (;;) {
    await world.sleep(world.random.exponential(everyMs));
    const sweeper = createProcess(world, 'sweep', never, 0);
    await sweeper.ask(5_000, () =>
      service.call(({ store, clock, maxClockSkewMs }) => sweep(store, clock, maxClockSkewMs)),
    );
  }
}

type Damage = (item: Item, forge: (sessionId: string) => void) => Item | undefined;

const without = (item: Item, ...names: string[]): Item =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)));

const damages: readonly Damage[] = [
  () => undefined,
  (item) => without(item, 'fencingVersion'),
  (item) => without(item, 'holder'),
  (item) => without(item, 'expiresAt'),
  (item) => without(item, 'ended', 'previous', 'previousExpiresAt'),
  (item) => without(item, 'newestTerm', 'closedTerm'),
  (item) => without(item, 'renewedAt', 'requestId'),
  (item) => ({ ...item, holder: without((item['holder'] as Item | undefined) ?? {}, 'address', 'confirmedAt') }),
  (item, forge) => {
    forge('forged');
    return { ...item, holder: { contenderId: 'nobody', sessionId: 'forged', grantedAt: 0 } };
  },
];

export async function damage({ world, witness, group, everyMs }: Others, store: MemoryLeaseStore, heal: () => boolean) {
  for (;;) {
    await world.sleep(world.random.exponential(everyMs));
    if (heal()) return;
    const [deed] = [world.random.pick(damages)];
    witness.note(`tampering with ${group}`);
    if (store.item(group)) store.tamper(group, (item) => deed(item, witness.forge));
  }
}
