import type { Decision, MetaChange } from '../../../log/protocol/acceptor.ts';
import * as acceptor from '../../../log/protocol/acceptor.ts';
import { type ReplicaChange, requireReplicaChange, requireStaged } from '../../../log/protocol/invariants.ts';
import { StaleConfigurationError } from '../../../log/protocol/quorum.ts';
import {
  type AcceptRequest,
  type Action,
  dataBytes,
  type Meta,
  type MetaOutcome,
  type Range,
  type Replica,
  rangeBytes,
} from '../../../log/protocol/replica.ts';

/** The rules that decide; a test may switch one back to what the design warns of. */
export type Rules = Pick<
  typeof acceptor,
  | 'promise'
  | 'promiseAt'
  | 'write'
  | 'stage'
  | 'accept'
  | 'show'
  | 'learn'
  | 'transition'
  | 'empty'
  | 'replaceView'
  | 'lock'
  | 'unlock'
>;

export type Handle = {
  [Name in Exclude<keyof Replica, 'id'>]: (...args: Parameters<Replica[Name]>) => Awaited<ReturnType<Replica[Name]>>;
};

export interface ObservedChange extends ReplicaChange {
  readonly replica: string;
  /** The slot whose staged value was accepted. */
  readonly accepted?: Pick<AcceptRequest, 'position' | 'number' | 'by'>;
  /** The configuration that the coordinator follows. */
  readonly configuration: number;
}

/** A replica's state with the acceptor's rules applied at once: what one DynamoDB table does with its conditions. */
export class MemoryReplica {
  epoch = 1;
  meta: Meta | undefined;
  actions = new Map<number, Action>();
  /** The end of a range that is not complete. */
  rangeBytes = rangeBytes;

  constructor(
    readonly id: string,
    private readonly rules: Rules = acceptor,
    private readonly onChange: (change: ObservedChange) => void = () => {},
  ) {}

  get inForce(): Meta {
    return acceptor.inForce(this.meta, this.epoch);
  }

  /** The methods of the port, answered synchronously, for coordinators that follow the newest configuration. */
  readonly handle: Handle = this.at(() => Math.max(1, this.inForce.configuration));

  /** The same for coordinators of one configuration. */
  at(version: () => number): Handle {
    const methods = this.methods(version);
    const open = new Set<keyof Handle>(['stage', 'learn', 'unlock', 'discard']);
    const guarded = Object.entries(methods).map(([name, act]) => [
      name,
      (...args: never[]) => {
        if (!open.has(name as keyof Handle) && acceptor.isStale(this.inForce, version())) {
          throw new StaleConfigurationError(this.inForce.configuration);
        }
        return (act as (...given: never[]) => unknown)(...args);
      },
    ]);
    return Object.fromEntries(guarded) as Handle;
  }

  private methods(version: () => number): Handle {
    const apply = <Answer>(decision: Decision<Answer>) => this.apply(decision, version());
    const move = (change: MetaChange | undefined) => this.move(change, version());
    return {
      read: () => this.inForce,
      promise: (request) => apply(this.rules.promise(this.inForce, request)),
      promiseAt: (request) => apply(this.rules.promiseAt(this.inForce, this.actions.get(request.position), request)),
      write: (request) => apply(this.rules.write(this.inForce, this.actions.get(request.position), request)),
      stage: (request) => {
        const { answer, action } = this.rules.stage(this.actions.get(request.position), request);
        if (action) {
          requireStaged(this.id, action);
          this.put(this.meta, [action], version());
        }
        return answer;
      },
      accept: (request) => {
        const { answer, meta } = this.rules.accept(this.inForce, request);
        if (meta) {
          const after = acceptor.applyChange(this.inForce, acceptor.withConfiguration(meta, version()));
          this.change(after, [], version(), request);
        }
        return answer;
      },
      learn: (actions) => this.apply(this.rules.learn(this.inForce, this.actions, actions), this.inForce.configuration),
      range: (from, to) => this.range(from, to),
      create: ({ incarnation, view }) => {
        if (this.inForce.incarnation === '') {
          const empty = {
            ...this.inForce,
            status: 'EMPTY' as const,
            incarnation,
            view,
            epoch: this.epoch,
            configuration: version(),
          };
          this.change(empty, [], version());
        }
        return this.inForce;
      },
      transition: (expected, change) => move(this.rules.transition(this.inForce, expected, change)),
      empty: (request) => move(this.rules.empty(this.inForce, request)),
      replaceView: (view) => move(this.rules.replaceView(this.inForce, view)),
      lock: (lock) => move(this.rules.lock(this.inForce, lock)),
      unlock: (lockId) => this.move(this.rules.unlock(this.inForce, lockId), this.inForce.configuration),
      discard: (limit) => {
        const below = [...this.actions.keys()].filter((position) => position < this.inForce.floor);
        for (const position of below.slice(0, limit)) this.actions.delete(position);
        return { discarded: Math.min(limit, below.length), more: below.length > limit };
      },
    };
  }

  /** The port itself, for tests that need no network. */
  port(handle: Handle = this.handle): Replica {
    const entries = Object.entries(handle).map(([name, act]) => [
      name,
      async (...args: never[]) => (act as (...given: never[]) => unknown)(...args),
    ]);
    return { id: this.id, ...Object.fromEntries(entries) };
  }

  /** Loses everything, as a table that was deleted and created again. */
  wipe(): void {
    this.epoch += 1;
    this.meta = undefined;
    this.actions = new Map();
  }

  /** Comes back under the same name with old content, as a table restored from a backup. */
  restore(meta: Meta | undefined, actions: Map<number, Action>): void {
    this.epoch += 1;
    this.meta = meta;
    this.actions = new Map(actions);
  }

  private range(from: number, to: number): Range {
    const meta = this.inForce;
    if (meta.incarnation === '') return { meta, to, actions: [] };
    const known = [...this.actions.values()].sort((one, other) => one.position - other.position);
    const first = known.findLast(({ position }) => position <= from && position >= meta.floor)?.position ?? from;
    const there = known.filter(({ position }) => position >= first && position <= to);
    const actions: Action[] = [];
    let bytes = 0;
    for (const action of there) {
      if (bytes >= this.rangeBytes) break;
      actions.push(action);
      bytes += dataBytes(action);
    }
    const last = actions.length < there.length ? Math.max(from, actions.at(-1)?.position ?? to) : to;
    return { meta, to: last, actions: actions.map((action) => this.rules.show(meta, action)) };
  }

  private apply<Answer>({ answer, meta, actions = [] }: Decision<Answer>, configuration: number): Answer {
    if (meta || actions.length > 0) {
      this.change(
        acceptor.applyChange(this.inForce, acceptor.withConfiguration(meta ?? {}, configuration)),
        actions,
        configuration,
      );
    }
    return answer;
  }

  private move(change: MetaChange | undefined, configuration: number): MetaOutcome {
    if (change)
      this.change(
        acceptor.applyChange(this.inForce, acceptor.withConfiguration(change, configuration)),
        [],
        configuration,
      );
    return { changed: change !== undefined, meta: this.inForce };
  }

  private change(
    meta: Meta | undefined,
    actions: readonly Action[],
    configuration: number,
    accepted?: ObservedChange['accepted'],
  ): void {
    const slots = actions.map((action) => ({ before: this.actions.get(action.position), after: action }));
    requireReplicaChange(this.id, { before: this.inForce, after: acceptor.inForce(meta, this.epoch), slots });
    this.put(meta, actions, configuration, accepted);
  }

  private put(
    meta: Meta | undefined,
    actions: readonly Action[],
    configuration: number,
    accepted?: ObservedChange['accepted'],
  ): void {
    const before = this.inForce;
    const slots = actions.map((action) => ({ before: this.actions.get(action.position), after: action }));
    this.meta = meta;
    for (const action of actions) this.actions.set(action.position, action);
    const change = { replica: this.id, before, after: this.inForce, slots, configuration };
    this.onChange(accepted ? { ...change, accepted } : change);
  }
}
