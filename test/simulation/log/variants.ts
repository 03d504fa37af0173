import * as acceptor from '../../../log/protocol/acceptor.ts';
import { together, writeAll } from '../../../log/protocol/append.ts';
import type { LogParts } from '../../../log/protocol/log.ts';
import type { PromiseRequest } from '../../../log/protocol/replica.ts';
import { placeOf, type WriterRecord } from '../../../log/protocol/sequencer.ts';
import type { Stage } from './actors.ts';
import type { Variant } from './scenario.ts';
import { stagingVariants } from './staging-variants.ts';

const ballots = new Set(['promise', 'promiseAt', 'write', 'stage', 'accept']);

/** Mistakes that the design warns of, each put back alone: the simulation has to find every one. */
export const variants: Record<string, Variant> = {
  ...stagingVariants,
  'an accepted write does not raise what is promised': {
    rules: {
      stage: (existing, request) => {
        const { answer, action } = acceptor.stage(existing, request);
        const { promised, promisedBy } = existing ?? { promised: 0, promisedBy: '' };
        return action ? { answer, action: { ...action, promised, promisedBy } } : { answer };
      },
    },
  },
  'the coordinator stays elected after a REJECT': { staysElected: true },
  'a recovered replica does not take over the promise': {
    tamper: (_, method, args) => {
      if (method !== 'transition') return args;
      const [expected, { promised: _promised, promisedBy: _by, ...change }] = args as [object, Record<string, unknown>];
      return [expected, change];
    },
  },
  'no views': {
    seed: 360,
    tamper: (replica, method, args) => {
      if (method !== 'promise' && method !== 'promiseAt' && method !== 'write' && method !== 'accept') return args;
      return [{ ...(args[0] as object), view: replica.inForce.view }];
    },
  },
  'equal numbers without owners': {
    tamper: (_, method, args) => {
      if (!ballots.has(method)) return args;
      return [{ ...(args[0] as PromiseRequest), by: 'anyone' }];
    },
  },
  'coordinators of older members are not refused': { forgetsVersions: true },
  'the old members are left before the next ones hold everything': { skips: 'level' },
  'the members change without a time in which both decide': { skips: 'joint' },
  "an exclusive writer's record reads as any other": {
    exclusive: true,
    sequencer: (memory) => ({
      read: () => {
        const { exclusive: _, ...record } = memory.read() ?? {};
        return 'number' in record ? (record as WriterRecord) : undefined;
      },
      replace: (...change) => memory.replace(...change),
    }),
  },
  'a sequencer that may go back': {
    sequencer: (memory) => ({
      read: () => memory.read(),
      replace: (before, record, truncateTo) => {
        const taken = record.next === record.first;
        if (taken) memory.put(record);
        return taken ? { replaced: true } : memory.replace(before, record, truncateTo);
      },
    }),
  },
};

/**
 * The old mistake: after a REJECT the writer takes over the rival's number, stays elected, and writes its next value at
 * the position that it could not settle.
 */
export async function goOnAsRival(stage: Stage, parts: LogParts, writer: WriterRecord, lost: string): Promise<void> {
  const place = stage.sequencer.record && placeOf(stage.sequencer.record, lost);
  if (!place) return;
  const requestId = parts.chance.id();
  const entries = Array.from({ length: place.count }, () => Uint8Array.of(9));
  const usurped = { ...writer, number: Math.max(...stage.replicas.map(({ inForce }) => inForce.promised)) };
  await writeAll(parts, usurped, place.slot, together([{ requestId, entries }]));
}
