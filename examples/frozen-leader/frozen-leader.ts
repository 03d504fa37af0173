/**
 * A PostgreSQL table that only the present leader changes. The leases lie in a DynamoDB table, without an API (direct
 * mode). Start it twice, freeze the leader with SIGSTOP until the other leads, thaw it with SIGCONT: its next write is
 * refused.
 *
 *   npx tsx examples/frozen-leader/frozen-leader.ts TABLE GROUP
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'pg';
import { LeaderElector, type Term } from 'tenure';
import { FencedError, fenced, fenceSql } from 'tenure/fence';

const [table = 'leases', group = 'orders'] = process.argv.slice(2);
const mostWrites = 10_000;

const pool = new Pool({ max: 1 });
// PostgreSQL ends the session of a leader that freezes inside its transaction.
pool.on('error', (error) => console.log(`session ended: ${error.message}`));
await pool.query(fenceSql.create);
await pool.query('CREATE TABLE IF NOT EXISTS counter (id text PRIMARY KEY, total int, written_by int)');

const countOn = `INSERT INTO counter VALUES ($1, 1, $2) ON CONFLICT (id)
DO UPDATE SET total = counter.total + 1, written_by = $2 RETURNING total`;

/** Returns the new total. */
const write = (term: Term): Promise<unknown> =>
  fenced.sql(
    pool,
    group,
    term,
    async (tx) => (await tx.query(countOn, [group, term.fencingVersion])).rows[0]?.['total'],
    { idleTimeoutMs: 500 },
  );

/** Never looks at `term.signal`: a process that was frozen would look too late anyway. The fence alone stops it. */
async function lead(term: Term): Promise<void> {
  console.log(`leading with fencing version ${term.fencingVersion}`);
  for (let count = 1; count <= mostWrites; count += 1) {
    try {
      console.log(`total ${await write(term)} written by ${term.fencingVersion}`);
    } catch (error) {
      console.log(error instanceof FencedError ? `refused: ${error.message}` : `failed: ${error}`);
      if (error instanceof FencedError) return;
    }
    await pause(100);
  }
}

const elector = new LeaderElector({
  table,
  group,
  leaseMs: 2_000,
  contendAgain: false,
  lead,
  onRevoked: ({ reason }, { fencingVersion }) => console.log(`term ${fencingVersion} is over: ${reason}`),
  onError: (error) => console.log(`error: ${error}`),
});
elector.start();
process.once('SIGTERM', () => void elector.close().finally(() => process.exit()));
