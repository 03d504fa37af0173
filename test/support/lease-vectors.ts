/** The rules of a lease as cases for other languages: a write as a value, the items before it, and what comes of it. */
import type { Fence } from '../../api/fence.ts';
import { leadershipKey } from '../../leadership/keys.ts';
import type { LeadershipRecord } from '../../leadership/lease.ts';
import { toRecord } from '../../leadership/lease-items.ts';
import * as writes from '../../leadership/lease-writes.ts';
import type { Item, Key } from '../../store/item.ts';
import { decide, type Write } from '../../store/write.ts';

interface Step {
  readonly step: string;
  /** Epoch ms of the server's clock. */
  readonly now: number;
  readonly writes: readonly Write[];
}

const group = 'orders';
const start = 1_800_000_000_000;
const leaseMs = 10_000;
const maxClockSkewMs = 250;
const grantOf = (contenderId: string, requestId = `request-of-${contenderId}`) => ({
  contenderId,
  instanceId: `instance-of-${contenderId}`,
  sessionId: `session-of-${contenderId}`,
  leaseMs,
  requestId,
});
const fenceOf = (contenderId: string, fencingVersion: number): Fence => ({
  fencingVersion,
  sessionId: `session-of-${contenderId}`,
});

/** Items that one step after the other is decided on. */
class Story {
  readonly #items = new Map<string, Item>();
  readonly cases: object[] = [];

  get record(): LeadershipRecord {
    return toRecord(this.#read(leadershipKey(group))) as LeadershipRecord;
  }

  #read(key: Key): Item | undefined {
    return this.#items.get(`${key.pk}|${key.sk}`);
  }

  take({ step, now, writes: each }: Step): void {
    const before = each.map(({ key }) => this.#read(key) ?? null);
    const decision = decide(each, (key) => this.#read(key));
    if (decision.kind === 'written')
      for (const { key, after } of decision.effects) if (after) this.#items.set(`${key.pk}|${key.sk}`, after);
    const outcome =
      decision.kind === 'written'
        ? { kind: 'written', after: decision.effects.map(({ after }) => after ?? null) }
        : { kind: 'refused', refused: decision.refusals.map(({ at }) => at) };
    this.cases.push({ step, now, writes: each, before, outcome });
  }
}

/** Every step of a lease, once taken and once refused, in the order in which a group's life meets them. */
export function leaseVectors() {
  const story = new Story();
  const take = (step: string, now: number, ...each: readonly Write[]) => story.take({ step, now, writes: each });
  const contend = (contenderId: string, now: number, requestId?: string) =>
    take(
      `${contenderId} contends`,
      now,
      writes.grantLease(group, grantOf(contenderId, requestId), now, maxClockSkewMs),
    );
  const renew = (contenderId: string, version: number, now: number, renewal: object = { leaseMs }) =>
    take(`${contenderId} renews`, now, writes.renewLease(group, fenceOf(contenderId, version), renewal, now));
  const confirm = (contenderId: string, version: number, now: number) => {
    const fence = fenceOf(contenderId, version);
    take(`${contenderId} confirms`, now, ...writes.confirmTerm(story.record, fence, { address: 'host:1' }, now).writes);
  };
  const resign = (contenderId: string, version: number, now: number, successor?: string) => {
    const resignation = { successor, stayOut: true };
    take(
      `${contenderId} resigns`,
      now,
      writes.resignTerm(group, fenceOf(contenderId, version), resignation, 'bye', now),
    );
  };

  contend('a', start);
  take('a makes the record', start, ...writes.createRecord(group, 1, grantOf('a'), start).writes);
  take('b makes the record', start, ...writes.createRecord(group, 1, grantOf('b'), start).writes);
  confirm('a', 1, start + 1);
  contend('b', start + 2);
  renew('a', 1, start + 4_000);
  renew('a', 1, start + 3_000);
  renew('a', 1, start + 5_000, { address: 'host:2' });
  const expiry = start + 5_000 + leaseMs;
  renew('a', 1, expiry);
  contend('b', expiry + maxClockSkewMs);
  contend('b', expiry + maxClockSkewMs + 1);
  confirm('b', 2, expiry + maxClockSkewMs + 2);
  resign('a', 1, expiry + maxClockSkewMs + 3);
  const resignedAt = expiry + maxClockSkewMs + 4;
  resign('b', 2, resignedAt, 'heir');
  contend('c', resignedAt + 1);
  contend('b', resignedAt + 1, 'request-of-b');
  contend('heir', resignedAt + 2);
  const order = { fencingVersion: 3, reason: 'stuck', force: false };
  take('an operator revokes', resignedAt + 3, writes.revokeTerm(group, order, 'order-1', resignedAt + 3));
  take('an operator revokes again', resignedAt + 4, writes.revokeTerm(group, order, 'order-2', resignedAt + 4));
  contend('c', resignedAt + 5);
  take('an operator asks for a hand-over', resignedAt + 6, writes.askHandOver(group, 3, 'd'));
  const free = resignedAt + 2 + leaseMs + maxClockSkewMs + 1;
  contend('c', free);
  take('an operator asks for a hand-over', free + 1, writes.askHandOver(group, 4, 'd'));
  resign('c', 4, free + 2);
  contend('c', free + 3, 'request-2-of-c');
  contend('c', free + 2 + leaseMs, 'request-3-of-c');
  contend('c', free + 3 + leaseMs, 'request-4-of-c');
  take('the sweep expires', free + 60_000, ...writes.expireTerm(story.record, free + 60_000));
  take('the sweep closes', free + 60_001, ...writes.closeTerm(story.record, { reason: 'resigned', at: resignedAt }));
  return { group, leaseMs, maxClockSkewMs, cases: story.cases };
}
