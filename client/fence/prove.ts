/**
 * A test kit for guarded stores: runs an old and a new leader against the same store in many interleavings, and reports
 * the first one in which the old leader's write follows the new leader's.
 *
 * A run is evidence, not a proof over all interleavings: it explores calls of the client, one at a time, in seeded
 * random order.
 */
import { wholeOption } from './options.ts';
import { type Provable, Schedule } from './schedule.ts';

export interface ProofOptions {
  /**
   * Interleavings to run: 1 to 100,000.
   * @defaultValue 200
   */
  readonly schedules?: number;
  /**
   * The first seed, 0 to 2,147,483,647; schedule n runs with `seed + n`.
   * @defaultValue 1
   */
  readonly seed?: number;
  /**
   * How long a call may wait for a lock before the other leader is scheduled, 1 to 60,000 ms.
   * @defaultValue 50
   */
  readonly blockedMs?: number;
}

export type Proof =
  | { readonly kind: 'held'; readonly schedules: number; readonly summary: string }
  | { readonly kind: 'broken'; readonly seed: number; readonly reason: string; readonly timeline: string };

/**
 * Runs `target` under many schedules. In each, the leader of version 1 is frozen at a random call, the leader of
 * version 2 takes over and writes, and the first is thawed; answers are lost and retried on both sides.
 *
 * @throws `RangeError` for an option out of its range.
 * @returns `held` with the number of schedules, or `broken` with a schedule that can be repeated by its seed and its
 *   timeline.
 * @example
 * ```ts
 * import { Pool } from 'pg';
 * import { fenced, proveFenced } from 'tenure/fence';
 *
 * const proof = await proveFenced({
 *   open: async () => ({ client: new Pool() }),
 *   write: (pool, term, value) =>
 *     fenced.sql(pool, 'orders', term, async (tx) => {
 *       await tx.query('UPDATE state SET value = $1', [value]);
 *     }),
 *   read: async (pool) => (await pool.query('SELECT value FROM state')).rows[0]?.value,
 * });
 * if (proof.kind === 'broken') throw new Error(proof.timeline);
 * ```
 */
export async function proveFenced<Client extends object>(
  target: Provable<Client>,
  { schedules = 200, seed = 1, blockedMs = 50 }: ProofOptions = {},
): Promise<Proof> {
  const runs = wholeOption('schedules', schedules, [1, 100_000]);
  wholeOption('seed', seed, [0, 2 ** 31 - 1]);
  wholeOption('blockedMs', blockedMs, [1, 60_000]);
  for (let run = 0; run < runs; run += 1) {
    const { client, close } = await target.open();
    const schedule = new Schedule(target, client, { seed: seed + run, blockedMs });
    try {
      const reason = await schedule.run();
      if (reason !== undefined) {
        return { kind: 'broken', seed: seed + run, reason, timeline: schedule.timeline(reason) };
      }
    } finally {
      await close?.();
    }
  }
  return { kind: 'held', schedules: runs, summary: `held in ${runs} schedules` };
}
