/** Clients that call the running service at random and write down what they asked, when, and what came back. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { inject } from 'vitest';
import { TenureClient } from '../../../client/tenure-client.ts';
import { hasCode } from '../../../client/tenure-error.ts';
import type { FenceOf, LeaseCall, LeaseInput, LeaseOutput } from '../../support/lease-specification.ts';
import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts';

export interface Traffic {
  readonly group: string;
  readonly clients: number;
  readonly callsPerClient: number;
  readonly leaseMs: number;
  /** Longest pause between two calls of a client, ms. */
  readonly pauseMs: number;
  readonly seed: number;
}

/** Runs all clients to their end; returns the calls of all of them. */
export async function recordTraffic(traffic: Traffic): Promise<LeaseCall[]> {
  const history: LeaseCall[] = [];
  const names = Array.from({ length: traffic.clients }, (_, at) => `client-${at}`);
  await Promise.all(names.map((name, at) => play(name, names, traffic, seededRandom(traffic.seed + at), history)));
  return history;
}

async function play(name: string, names: string[], traffic: Traffic, random: SeededRandom, history: LeaseCall[]) {
  const { group, leaseMs, pauseMs } = traffic;
  const client = new TenureClient({ url: inject('stack').api });
  let fence: FenceOf | undefined;
  let earlierRequest: string | undefined;

  /** One try under one key. Now and then the client does not wait for the answer, and never learns of it. */
  const record = async (input: LeaseInput, key: string, send: (options: object) => Promise<LeaseOutput>) => {
    const impatient = random.chance(0.08);
    const options = { idempotencyKey: key, retry: false, timeoutMs: impatient ? random.integer(1, 12) : 20_000 };
    const calledAt = Date.now();
    const output = await send(options).catch(refusal);
    history.push(output ? { input, calledAt, output, returnedAt: Date.now() } : { input, calledAt });
    return output;
  };

  const contend = async () => {
    const requestId = earlierRequest && random.chance(0.1) ? earlierRequest : randomUUID();
    earlierRequest = requestId;
    const output = await record({ step: 'contend', contenderId: name, requestId }, requestId, async (options) => {
      const granted = await client.contend(group, { contenderId: name, instanceId: name, leaseMs }, options);
      const { fencingVersion, sessionId } = granted;
      return { granted: { fencingVersion, sessionId, expiresAt: Date.parse(granted.expiresAt) } };
    });
    if (output && 'granted' in output) fence = output.granted;
  };

  const observe = () =>
    record({ step: 'observe' }, '', async ({ idempotencyKey: _, ...options }: { idempotencyKey?: string }) => {
      const { leader, fencingVersion, pending } = await client.observe(group, { ...options, consistent: true });
      if (!leader) return { shown: { fencingVersion, pending, leader } };
      const { sessionId, address, expiresAt } = leader;
      return { shown: { fencingVersion, pending, leader: { sessionId, address, expiresAt: Date.parse(expiresAt) } } };
    });

  const revoke = async () => {
    const seen = await observe();
    if (!seen || !('shown' in seen) || seen.shown.fencingVersion === 0) return;
    const { fencingVersion } = seen.shown;
    const requestId = randomUUID();
    const force = random.chance(0.5) || leaseMs > 10_000;
    await record({ step: 'revoke', fencingVersion, force, requestId }, requestId, async (options) => {
      await client.revoke(group, { fencingVersion, reason: 'test', force }, options);
      return { done: {} };
    });
  };

  const lead = async (fence: FenceOf) => {
    const requestId = randomUUID();
    if (random.chance(0.3)) {
      const address = `${name}:${random.integer(1, 9)}`;
      return record({ step: 'confirm', fence, address }, requestId, async (options) => {
        await client.confirm(group, fence, { address }, options);
        return { done: {} };
      });
    }
    if (random.chance(0.6)) {
      return record({ step: 'renew', fence }, requestId, async (options) => {
        const { expiresAt } = await client.renew(group, fence, random.chance(0.5) ? { leaseMs } : {}, options);
        return { done: { expiresAt: Date.parse(expiresAt) } };
      });
    }
    const successor = random.chance(0.3) ? random.pick(names) : undefined;
    return record({ step: 'resign', fence, successor, requestId }, requestId, async (options) => {
      await client.resign(group, fence, successor ? { successor } : {}, options);
      return { done: {} };
    });
  };

  for (let calls = 0; calls < traffic.callsPerClient; calls += 1) {
    if (fence && random.chance(0.6)) {
      const output = await lead(fence);
      // Mostly it goes; sometimes it calls again with a fence that it knows to be lost.
      if (output && 'lost' in output && random.chance(0.8)) fence = undefined;
    } else if (random.chance(0.05)) await revoke();
    else if (random.chance(0.3)) await observe();
    else await contend();
    await pause(random.between(0, pauseMs));
  }
}

/** The refusal of a call; undefined when its outcome is unknown. */
function refusal(error: unknown): LeaseOutput | undefined {
  if (hasCode(error, 'unreachable', 'unavailable', 'throttled')) return undefined;
  if (hasCode(error, 'leadership_lost')) return { lost: error.members as { reason: string; fencingVersion: number } };
  if (!hasCode(error, 'leadership_held')) throw error;
  const { holder } = error.members as {
    holder: { contenderId: string; fencingVersion: number; confirmed: boolean } | null;
  };
  if (!holder) return { held: null };
  const { contenderId, fencingVersion, confirmed } = holder;
  return { held: { contenderId, fencingVersion, confirmed } };
}
