/** A contender that is the client's real elector, on clocks, timers and a network of the simulated world. */

import type { Fence } from '../../../api/fence.ts';
import { ProblemError } from '../../../api/problem.ts';
import type { Carrier } from '../../../client/carrier.ts';
import { tableCarrier } from '../../../client/direct/table-carrier.ts';
import { LeaderElector } from '../../../client/leadership/elector.ts';
import type { Term } from '../../../client/leadership/term.ts';
import { TenureClient } from '../../../client/tenure-client.ts';
import { TenureError } from '../../../client/tenure-error.ts';
import type { Time } from '../../../client/time.ts';
import { type Contender, contend } from '../../../leadership/contend.ts';
import { handOverView, toObservation } from '../../../leadership/history.ts';
import { confirm, renew, resign } from '../../../leadership/leadership.ts';
import type { Published } from '../../../leadership/lease-store.ts';
import { leadershipOperations } from '../../../leadership/operations.ts';
import type { Call } from '../../../leadership/performed.ts';
import { instant } from '../../../store/clock.ts';
import type { ContenderOptions } from './contender.ts';
import { createProcess, type Process } from './process.ts';
import type { Room } from './service.ts';

/** An elector that could not give back its lease reports it to the caller of close; the lease then expires. */
const ignored = () => {};

/** Any wall will do: the client's may be off by as much as it likes. */
const wallEpoch = 1_700_000_000_000;

/** Lives until the world ends: one elector after the other, each closed or ended without a word. */
export async function liveAsElector(options: ContenderOptions): Promise<void> {
  const { world, witness, group, mischief, contenderId } = options;
  const { random } = world;
  for (let incarnation = 1; ; incarnation += 1) {
    // Names this process alone, as the elector's own names do.
    const name = `${contenderId}.${incarnation}`;
    const self = createProcess(world, name, () => mischief.freeze, options.leaseMs);
    const elector = start(options, self);
    while (!self.crashed) {
      await world.sleep(random.between(0.1, 0.5) * options.leaseMs);
      const { term } = elector;
      if (term) write(options, self, term);
      const successor = random.chance(0.3) ? random.pick(options.peers) : undefined;
      if (term && random.chance(mischief.resign)) void elector.resign({ successor }).catch(ignored);
      if (!random.chance(mischief.crash / 2)) continue;
      if (random.chance(0.5)) {
        void elector.close().catch(ignored);
        await world.sleep(options.leaseMs);
      }
      self.crash();
    }
    witness.believesNoMore(group, self.name);
    await world.sleep(random.exponential(1_000));
  }
}

/** A frozen process looks when it thaws; requests that it sent before are on their way. */
function write({ world, service, witness, guarded, group }: ContenderOptions, self: Process, term: Term): void {
  if (self.frozen || !term.isLeader()) return;
  const fence = { fencingVersion: term.fencingVersion, sessionId: term.sessionId };
  const send = () => service.carry(() => witness.wrote(group, fence, guarded.take(group, fence.fencingVersion)));
  world.after(world.random.exponential(20), send);
}

function start(options: ContenderOptions, self: Process): LeaderElector {
  const { world, service, witness, group, leaseMs, maxClockSkewMs } = options;
  const wallOff = world.random.between(-3_600_000, 3_600_000);
  const room = options.mode === 'direct' ? service.direct(self) : undefined;
  const time: Time = {
    now: room ? room.clock.now : () => Math.floor(wallEpoch + world.time + wallOff),
    monotonic: self.monotonic,
    setTimer(ms, fire) {
      let cancelled = false;
      const due = async () => {
        await self.goOn();
        if (!cancelled && !self.crashed) fire();
      };
      const cancel = world.after(ms, () => void due());
      return () => {
        cancelled = true;
        cancel();
      };
    },
  };
  const way = room ? { carrier: onTable(options, room, time) } : { url: 'http://service', fetch: wire(options, self) };
  const client = new TenureClient({ ...way, time, random: world.random.next });
  const believes = (term: Term) => {
    if (self.crashed || !term.isLeader()) return;
    witness.believes(group, self.name, term, self.trueTime(self.monotonic() + term.remainingMs()));
  };
  const elector = new LeaderElector({
    client,
    group,
    contenderId: self.name,
    address: `host-of-${self.name}`,
    leaseMs,
    maxClockSkewMs,
    prepare: async (term) => {
      believes(term);
      // It may outlive its term, but not by a lease, which the elector would rightly report.
      await world.sleep(Math.min(world.random.exponential(leaseMs / 4), 0.9 * leaseMs));
    },
    onRenewed: believes,
    onRevoked: () => witness.believesNoMore(group, self.name),
    onError: (error) => {
      if (!(error instanceof TenureError) || error.code === 'internal') witness.violate(`failure: ${error}`);
    },
  });
  elector.start();
  return elector;
}

/** Direct mode: the protocol in the contender's own process. */
function onTable({ witness, group }: ContenderOptions, room: Room, time: Time): Carrier {
  const performed = leadershipOperations(room, room.store).map(({ operation, act }) => ({
    operation,
    act: (call: Call) => {
      if (operation.path.endsWith('/confirm') && call.fence) witness.confirms(group, call.fence);
      return act(call);
    },
  }));
  return tableCarrier('leases', time, async () => ({
    performed,
    within: (_, act) => act(),
    prepareResignation: () => Promise.reject(new Error('An elector prepares nothing')),
  }));
}

/** The network as fetch: what the routes do, without their JSON. */
function wire({ service, witness, group }: ContenderOptions, self: Process): typeof globalThis.fetch {
  return (input, init = {}) => {
    const step = new URL(String(input)).pathname.split('/').at(-1) ?? '';
    const headers = new Headers(init.headers);
    const body = JSON.parse(String(init.body ?? '{}')) as Body;
    const fence = {
      fencingVersion: Number(headers.get('Fencing-Version')),
      sessionId: headers.get('Leader-Session') ?? '',
    };
    if (step === 'confirm') witness.confirms(group, fence);
    const requestId = headers.get('Idempotency-Key') ?? '';
    return new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal?.reason), { once: true });
      const receive = async (status: number, answer: unknown) => {
        await self.goOn();
        if (!self.crashed) resolve(response(status, answer));
      };
      if (self.crashed) return;
      service
        .call((room) => act(room, step, group, fence, body, requestId))
        .then(
          (answer) => receive(200, answer),
          (error: unknown) => (error instanceof ProblemError ? receive(error.kind.status, error) : receive(503, {})),
        )
        .catch((error: unknown) => witness.violate(`failure: ${error}`));
    });
  };
}

/** The members of the steps' bodies, each its own part. */
type Body = Contender & Published & { successor?: string };

async function act(
  room: Room,
  step: string,
  group: string,
  fence: Fence,
  body: Body,
  requestId: string,
): Promise<object> {
  if (step === 'contend') {
    const term = await contend(room, group, body, requestId);
    return { ...term, expiresAt: instant(term.expiresAt) };
  }
  if (step === 'confirm') {
    const { confirmedAt, expiresAt } = await confirm(room, group, fence, body);
    return { confirmedAt: instant(confirmedAt), expiresAt: instant(expiresAt) };
  }
  if (step === 'leadership')
    return toObservation(
      await room.store.read(group, false),
      { addresses: {}, changes: undefined },
      room.clock.now(),
      room.maxClockSkewMs,
    );
  if (step === 'renew') {
    const { expiresAt, handOverTo } = await renew(room, group, fence, body);
    return { expiresAt: instant(expiresAt), ...handOverView(handOverTo) };
  }
  if (step !== 'resign') throw new Error(`The elector asked for ${step}`);
  await resign(room, group, fence, body, requestId);
  return {};
}

/** Only what the client reads, and no stream, whose turns are not those of the simulated world. */
function response(status: number, answer: unknown): Response {
  const text = JSON.stringify(answer);
  return { status, headers: new Headers(), text: async () => text } as Response;
}
