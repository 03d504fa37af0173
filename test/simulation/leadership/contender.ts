/**
 * A contender as docs/design/leadership.md describes its side: it counts its own deadline, and everything else goes
 * wrong around it.
 */

import type { Fence } from '../../../api/fence.ts';
import type { GrantedTerm } from '../../../leadership/contend.ts';
import { contend } from '../../../leadership/contend.ts';
import { confirm, renew, resign } from '../../../leadership/leadership.ts';
import type { Guarded } from './guarded.ts';
import { createProcess, type Process } from './process.ts';
import type { Service } from './service.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

/** Rules of the contender's side that unsafe variants break, to prove that breaking them is found. */
export interface Habits {
  readonly endsBeforeTheServer: boolean;
  readonly countsFromTheRequest: boolean;
  readonly countsWhatRemains: boolean;
  readonly stopsBeforeResigning: boolean;
}

export const goodHabits: Habits = {
  endsBeforeTheServer: true,
  countsFromTheRequest: true,
  countsWhatRemains: true,
  stopsBeforeResigning: true,
};

export interface ContenderOptions {
  /** An elector's way to the leases. */
  readonly mode?: 'api' | 'direct';
  readonly world: World;
  readonly service: Service;
  readonly witness: Witness;
  readonly guarded: Guarded;
  readonly contenderId: string;
  readonly group: string;
  readonly leaseMs: number;
  readonly renewals: 'as granted' | 'same length' | 'other lengths';
  readonly maxClockSkewMs: number;
  readonly habits: Habits;
  /** Probabilities per step of a leader. */
  readonly mischief: Mischief;
  /** Others that it may name as successors. */
  readonly peers: readonly string[];
}

export interface Mischief {
  freeze: number;
  crash: number;
  resign: number;
  neverConfirm: number;
  /** Stops renewing without a word. */
  forget: number;
}

interface Term extends Fence {
  readonly leaseMs: number;
  /** By its own monotonic clock. */
  deadline: number;
}

/** Lives until the world ends: contends, leads, loses, starts again. */
export async function live(options: ContenderOptions): Promise<void> {
  const { world, mischief } = options;
  const { random } = world;
  const mayReturn = { id: options.contenderId };
  for (let incarnation = 1; ; incarnation += 1) {
    const self = createProcess(world, `${mayReturn.id}/${incarnation}`, () => mischief.freeze, options.leaseMs);
    const resigned = new Set<string>();
    while (!self.crashed) {
      await self.pause(random.exponential(200));
      const term = await apply(options, self, mayReturn.id, resigned);
      if (term) await lead(options, self, term, resigned);
    }
    options.witness.believesNoMore(options.group, self.name);
    // A resignation of the process before may still be on its way, and would end a term of the same contender under its
    // successor.
    if (resigned.size > 0) mayReturn.id = `${options.contenderId}.${incarnation}`;
    await world.sleep(random.exponential(1_000));
  }
}

async function apply(
  options: ContenderOptions,
  self: Process,
  contenderId: string,
  resigned: ReadonlySet<string>,
): Promise<Term | undefined> {
  const { world, service, group, leaseMs, habits } = options;
  const { random } = world;
  const requestId = `${self.name}-${random.integer(0, 1e9)}`;
  let asked = self.monotonic();
  for (let tries = 0; tries < 3; tries += 1) {
    const received = await self.ask(leaseMs / 4, () =>
      service.call((room) => contend(room, group, { contenderId, instanceId: self.name, leaseMs }, requestId)),
    );
    // A resignation that is still on its way would end the term of a contender that counts on it again.
    if (received.answer && resigned.has(received.answer.sessionId)) return undefined;
    if (received.answer) {
      if (!habits.countsFromTheRequest) asked = self.monotonic();
      return holdTerm(options, self, received.answer, asked);
    }
    if (received.problem) {
      const { retryAfterMs = 100 } = received.problem.members;
      await self.pause(random.chance(0.9) ? retryAfterMs : random.exponential(50));
      return undefined;
    }
    await self.pause(random.exponential(50));
  }
  return undefined;
}

function holdTerm(options: ContenderOptions, self: Process, granted: GrantedTerm, asked: number): Term {
  const { fencingVersion, sessionId, leaseMs, remainingMs } = granted;
  const term = { fencingVersion, sessionId, leaseMs, deadline: Number.NEGATIVE_INFINITY };
  extend(options, self, term, asked, options.habits.countsWhatRemains ? remainingMs : leaseMs);
  return term;
}

function extend(
  { witness, group, maxClockSkewMs, habits }: ContenderOptions,
  self: Process,
  term: Term,
  asked: number,
  ms: number,
) {
  const deadline = asked + ms - (habits.endsBeforeTheServer ? maxClockSkewMs : 0);
  if (deadline <= term.deadline) return;
  term.deadline = deadline;
  witness.believes(group, self.name, term, self.trueTime(deadline));
}

async function lead(options: ContenderOptions, self: Process, term: Term, resigned: Set<string>): Promise<void> {
  const { world, service, witness, group, mischief, habits } = options;
  const { random } = world;
  const published = { address: `host-of-${self.name}`, ...(random.chance(0.5) ? { metadata: { of: self.name } } : {}) };
  const early = random.chance(0.5) ? published : {};
  const shy = random.chance(mischief.neverConfirm);
  let confirmed = false;
  let patience = random.integer(0, 8);
  for (;;) {
    writeGuarded(options, self, term);
    await self.pause(random.between(0.1, 0.35) * term.leaseMs);
    writeGuarded(options, self, term);
    if (random.chance(mischief.crash)) return self.crash();
    if (random.chance(mischief.forget)) return;
    if (random.chance(mischief.resign)) {
      resigned.add(term.sessionId);
      if (habits.stopsBeforeResigning) witness.believesNoMore(group, self.name);
      return giveBack(options, self, term);
    }
    const asked = self.monotonic();
    const publishing = !confirmed && !(shy && mischief.neverConfirm > 0) && random.chance(0.6);
    if (publishing) witness.confirms(group, term);
    const lease = renewalLease(options);
    const received = await self.ask(term.leaseMs / 4, () =>
      service.call(
        async (room): Promise<unknown> =>
          publishing
            ? confirm(room, group, term, published)
            : renew(room, group, term, { leaseMs: lease, ...(confirmed ? published : early) }),
      ),
    );
    if (received.problem) return witness.believesNoMore(group, self.name);
    if (received.answer === undefined) {
      patience -= 1;
      if (patience < 0) return;
    } else if (publishing) confirmed = true;
    else extend(options, self, term, habits.countsFromTheRequest ? asked : self.monotonic(), lease ?? term.leaseMs);
  }
}

/**
 * A contender that changes the length of its lease says it in every renewal: a late one may have changed it meanwhile.
 */
function renewalLease({ world: { random }, leaseMs, renewals }: ContenderOptions): number | undefined {
  if (renewals === 'as granted') return undefined;
  return renewals === 'same length' ? leaseMs : Math.round(leaseMs * random.pick([1, 1, 1.5, 2]));
}

/**
 * A look at its own deadline (mostly: some forget), and then a write that takes its time: only the fence can stop it.
 */
function writeGuarded(
  { world, service, witness, guarded, group }: ContenderOptions,
  self: Process,
  { fencingVersion, sessionId, deadline }: Term,
) {
  if (self.monotonic() >= deadline && !world.random.chance(0.1)) return;
  const fence = { fencingVersion, sessionId };
  service.carry(() => witness.wrote(group, fence, guarded.take(group, fencingVersion)));
}

async function giveBack(
  { world, service, group, leaseMs, peers }: ContenderOptions,
  self: Process,
  fence: Fence,
): Promise<void> {
  const { random } = world;
  const successor = random.chance(0.5) ? random.pick(peers) : undefined;
  const requestId = `${self.name}-bye-${random.integer(0, 1e9)}`;
  for (let tries = 0; tries < 3; tries += 1) {
    const received = await self.ask(leaseMs / 4, () =>
      service.call((room) => resign(room, group, fence, { successor }, requestId)),
    );
    if (received.problem || 'answer' in received) return;
    await self.pause(random.exponential(100));
  }
}
