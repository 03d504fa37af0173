/** One interleaving of two leaders: every call of their client waits at a gate until the schedule lets it through. */
import { setTimeout as pause } from 'node:timers/promises';
import type { FencingTerm } from './fence.ts';
import { gated } from './gated-client.ts';

/** A store under test: how to open a fresh one, write to it as a leader, and read it back. */
export interface Provable<Client extends object> {
  /** Opens a fresh, empty store; called once per schedule. `close` runs after it. */
  open(): Promise<{ readonly client: Client; close?(): Promise<void> }>;
  /** Writes `value` as the leader of `term`, with every call through `client`. Throws when the store refuses. */
  write(client: Client, term: FencingTerm, value: string): Promise<unknown>;
  /** Reads the value as any reader would; undefined before the first write. */
  read(client: Client): Promise<string | undefined>;
}

const maxSteps = 400;
const writesOfEach = 3;
const triesOfEach = 3;

interface Settings {
  readonly seed: number;
  readonly blockedMs: number;
}

/** Thrown instead of the result of a call that took effect. */
class AnswerLostError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ETIMEDOUT';
}

interface Leader {
  readonly version: number;
  /** The call that waits at the gate, and how to let it through. */
  waiting: { readonly call: string; readonly open: () => void } | undefined;
  /** Gates passed so far. */
  passed: number;
  acknowledged: string | undefined;
  /** Whether the new leader's value was readable before the write under way began. */
  lateStart: boolean;
  refused: boolean;
  ended: boolean;
}

export class Schedule<Client extends object> {
  readonly #target: Provable<Client>;
  readonly #client: Client;
  readonly #blockedMs: number;
  readonly #random: () => number;
  readonly #steps: string[][] = [];
  readonly #leaders: readonly [Leader, Leader] = [leaderOf(1), leaderOf(2)];
  #seen: string | undefined;
  #newest = 0;
  #falseAcknowledgement: string | undefined;

  constructor(target: Provable<Client>, client: Client, { seed, blockedMs }: Settings) {
    this.#target = target;
    this.#client = client;
    this.#blockedMs = blockedMs;
    this.#random = randomOf(seed);
  }

  /** Runs both leaders to their end; returns what was broken, or undefined. */
  async run(): Promise<string | undefined> {
    const [old, fresh] = this.#leaders;
    const freezeAt = Math.floor(this.#random() * 8);
    const freshFrom = Math.floor(this.#random() * 6);
    const working = this.#leaders.map((leader) => this.#lead(leader));
    for (let step = 0; step < maxSteps && !(old.ended && fresh.ended); step += 1) {
      // Reaching a gate takes some turns of the event loop, and a call that waits for a lock takes for ever.
      await this.#untilWaiting();
      const frozen = old.passed >= freezeAt && fresh.acknowledged === undefined && !fresh.ended;
      const held = fresh.passed === 0 && old.passed < freshFrom && !old.ended;
      const ready = this.#leaders.filter(
        (leader) => leader.waiting && !(leader === old && frozen) && !(leader === fresh && held),
      );
      const next = ready[Math.floor(this.#random() * ready.length)] ?? this.#leaders.find(({ waiting }) => waiting);
      if (!next?.waiting) continue;
      this.#note(next, next.waiting.call);
      const { open } = next.waiting;
      next.waiting = undefined;
      next.passed += 1;
      open();
      await this.#untilWaiting();
      const broken = await this.#observe();
      if (broken !== undefined) return await this.#end(working, broken);
    }
    return await this.#end(working, this.#falseAcknowledgement);
  }

  timeline(reason: string): string {
    const head = ['step', 'version 1, the old leader', 'version 2, the new leader', 'readers see'];
    const rows = [head, ...this.#steps.map((cells, at) => [String(at + 1), ...cells])];
    const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
    const lines = rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
    return [...lines, `broken: ${reason}`].join('\n');
  }

  async #lead(leader: Leader): Promise<void> {
    const client = gated(
      this.#client,
      (call) => this.#gate(leader, call),
      () => this.#lose(leader),
    );
    for (let count = 1; count <= writesOfEach && !leader.refused; count += 1) {
      await this.#writeWithRetries(leader, client, `${leader.version}:${count}`);
    }
    leader.ended = true;
  }

  async #writeWithRetries(leader: Leader, client: Client, value: string): Promise<void> {
    for (let tried = 1; tried <= triesOfEach; tried += 1) {
      leader.lateStart = this.#newest > leader.version;
      try {
        await this.#target.write(client, { fencingVersion: leader.version }, value);
        leader.acknowledged = value;
        this.#note(leader, `acknowledged ${value}`);
        if (leader.lateStart) {
          this.#falseAcknowledgement ??= `the write of ${value} began after version ${this.#newest} was readable, and was acknowledged`;
        }
        return;
      } catch (error) {
        const lost = error instanceof AnswerLostError || (error as Error).cause instanceof AnswerLostError;
        this.#note(leader, lost ? `no answer for ${value}, retries` : `refused: ${(error as Error).name}`);
        if (lost) continue;
        leader.refused = true;
        return;
      }
    }
  }

  #gate(leader: Leader, call: string): Promise<void> {
    return new Promise((open) => {
      leader.waiting = { call, open };
    });
  }

  /** Whether the answer of the call that took effect just now is lost. */
  #lose(leader: Leader): Error | undefined {
    if (this.#random() > 0.12) return undefined;
    this.#note(leader, 'the answer is lost');
    return new AnswerLostError('the answer was lost');
  }

  /** Waits until each leader waits at a gate or has ended; one that waits for a lock instead is given `blockedMs`. */
  async #untilWaiting(): Promise<void> {
    const since = performance.now();
    const settled = () => this.#leaders.every(({ waiting, ended }) => waiting !== undefined || ended);
    while (!settled() && performance.now() - since < this.#blockedMs) await pause(0);
  }

  /** Reads as any reader would: what it sees must never fall back to an older version. */
  async #observe(): Promise<string | undefined> {
    const seen = await this.#target.read(this.#client);
    if (seen === this.#seen) return undefined;
    this.#seen = seen;
    const last = this.#steps.at(-1);
    if (last) last[2] = seen ?? 'nothing';
    const version = Number(seen?.split(':')[0] ?? 0);
    if (version < this.#newest) return `readers saw version ${this.#newest}, then ${seen ?? 'nothing'}`;
    this.#newest = version;
    return undefined;
  }

  #note(leader: Leader, text: string): void {
    const cells = ['', '', ''];
    cells[leader.version - 1] = text;
    this.#steps.push(cells);
  }

  /** Lets both leaders finish unscheduled, so that nothing of this run reaches the next one. */
  async #end(working: readonly Promise<void>[], reason: string | undefined): Promise<string | undefined> {
    const draining = setInterval(() => {
      for (const leader of this.#leaders) leader.waiting?.open();
    }, 1);
    try {
      await Promise.all(working);
    } finally {
      clearInterval(draining);
    }
    return reason ?? (await this.#observe()) ?? this.#falseAcknowledgement;
  }
}

function leaderOf(version: number): Leader {
  return {
    version,
    waiting: undefined,
    passed: 0,
    acknowledged: undefined,
    lateStart: false,
    refused: false,
    ended: false,
  };
}

/** Mulberry32: 32 bits of state are plenty for a schedule, and a seed repeats it. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
