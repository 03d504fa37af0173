import { setTimeout as pause } from 'node:timers/promises';
import { Client, Pool } from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FencedError } from '../../client/fence/fence.ts';
import { postgresFenceStore } from '../../client/fence/fence-store.ts';
import { proveFenced } from '../../client/fence/prove.ts';
import { fencedSql, fenceSql } from '../../client/fence/sql.ts';
import { sizes } from '../sizes.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe('the fence in PostgreSQL', () => {
  let server: Postgres;
  let pool: Pool;

  beforeAll(async () => {
    server = await startPostgres();
    pool = new Pool(server.options);
    // A session that PostgreSQL ends while it idles reports to its pool.
    pool.on('error', () => undefined);
    await pool.query(fenceSql.create);
    await pool.query('CREATE TABLE state (id text PRIMARY KEY, value text)');
  });

  afterAll(async () => {
    await pool?.end();
    await server?.stop();
  });

  beforeEach(async () => {
    await pool.query("TRUNCATE tenure_fence, state; INSERT INTO state VALUES ('s', NULL)");
  });

  const valueNow = async () => (await pool.query("SELECT value FROM state WHERE id = 's'")).rows[0]?.value ?? undefined;
  const setValue = "UPDATE state SET value = $1 WHERE id = 's'";
  const leader = (fencingVersion: number) => ({ fencingVersion });

  test('commits what the leader does, and refuses an older one without a trace', async () => {
    expect(await fencedSql(pool, 'orders', leader(7), async (tx) => (await tx.query(setValue, ['by 7'])).rows)).toEqual(
      [],
    );
    await fencedSql(pool, 'orders', leader(8), (tx) => tx.query(setValue, ['by 8']));
    const refused = fencedSql(pool, 'orders', leader(7), (tx) => tx.query(setValue, ['by 7 again']));
    await expect(refused).rejects.toMatchObject({ name: 'FencedError', code: 'fenced', yours: 7, current: 8 });
    await expect(refused).rejects.toThrow('Fencing version 8 owns "orders"; yours is 7. Stop working on it.');
    expect(await valueNow()).toBe('by 8');
    // Another name has a fence of its own.
    await fencedSql(pool, 'invoices', leader(3), (tx) => tx.query(setValue, ['by 3']));
    expect(await valueNow()).toBe('by 3');
  });

  test('an error thrown by work rolls everything back, and the connection can be used again', async () => {
    const failed = fencedSql(pool, 'orders', leader(7), async (tx) => {
      await tx.query(setValue, ['half']);
      throw new Error('the work failed');
    });
    await expect(failed).rejects.toThrow('the work failed');
    expect(await valueNow()).toBeUndefined();
    const client = new Client(server.options);
    await client.connect();
    await expect(fencedSql(client, 'orders', leader(7), (tx) => tx.query('SELECT 1 / 0'))).rejects.toThrow('division');
    await fencedSql(client, 'orders', leader(7), (tx) => tx.query(setValue, ['whole']));
    await client.end();
    expect(await valueNow()).toBe('whole');
  });

  test('transactions of one version run side by side; the next version waits for them', async () => {
    await fencedSql(pool, 'orders', leader(7), async () => undefined);
    const opened: string[] = [];
    const gate = deferred();
    const both = ['one', 'two'].map((name) =>
      fencedSql(pool, 'orders', leader(7), async (tx) => {
        await tx.query('SELECT 1');
        opened.push(name);
        await gate.promise;
      }),
    );
    while (opened.length < 2) await pause(5);
    const next = fencedSql(pool, 'orders', leader(8), async () => opened.push('eight'));
    const waits = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    while ((await pool.query(waits)).rows[0].n === 0) await pause(5);
    expect(opened).toHaveLength(2);
    gate.resolve();
    await Promise.all([...both, next]);
    expect(opened[2]).toBe('eight');
  });

  test('a leader that freezes in its transaction does not block its successor: PostgreSQL ends its session', async () => {
    const thaw = deferred();
    const frozen = fencedSql(
      pool,
      'orders',
      leader(7),
      async (tx) => {
        await thaw.promise;
        await tx.query(setValue, ['by the thawed 7']);
      },
      { idleTimeoutMs: 300 },
    );
    frozen.catch(() => undefined);
    await pause(20);
    await fencedSql(pool, 'orders', leader(8), (tx) => tx.query(setValue, ['by 8']));
    thaw.resolve();
    await expect(frozen).rejects.toThrow();
    await expect(fencedSql(pool, 'orders', leader(7), (tx) => tx.query(setValue, ['again']))).rejects.toThrow(
      FencedError,
    );
    expect(await valueNow()).toBe('by 8');
  });

  test.each(['read committed', 'repeatable read', 'serializable'] as const)(
    'under %s nothing is lost when many transactions meet, and no version falls',
    async (isolation) => {
      await pool.query("UPDATE state SET value = '0'");
      const increment = (version: number) =>
        fencedSql(
          pool,
          'orders',
          leader(version),
          async (tx) => {
            const { rows } = await tx.query("SELECT value FROM state WHERE id = 's' FOR UPDATE");
            await tx.query(setValue, [String(Number(rows[0]?.['value']) + 1)]);
          },
          { isolation, tries: 100 },
        );
      const settled = await Promise.allSettled(Array.from({ length: 24 }, (_, at) => increment(at < 12 ? 7 : 8)));
      const committed = settled.filter(({ status }) => status === 'fulfilled').length;
      const reasons = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason.name] : []));
      expect(new Set(reasons).size === 0 || reasons.every((name) => name === 'FencedError')).toBe(true);
      expect(committed).toBeGreaterThanOrEqual(12);
      expect(await valueNow()).toBe(String(committed));
    },
  );

  test('savepoints and prepared statements keep the fence', async () => {
    await fencedSql(pool, 'orders', leader(7), async (tx) => {
      await tx.query('SAVEPOINT one');
      await tx.query(setValue, ['discarded']);
      await tx.query('ROLLBACK TO SAVEPOINT one');
      const named = { name: 'set-value', text: setValue, values: ['kept'] };
      await tx.query(named as never);
      const held = await pool.query('SELECT version FROM tenure_fence WHERE name = $1 FOR UPDATE SKIP LOCKED', [
        'orders',
      ]);
      expect(held.rows).toEqual([]);
    });
    expect(await valueNow()).toBe('kept');
  });

  test('works through the client `postgres`', async () => {
    const sql = postgres({ ...server.options, max: 4 });
    await fencedSql(sql, 'orders', leader(7), async (tx) => {
      await tx`UPDATE state SET value = ${'by 7'} WHERE id = 's'`;
    });
    await fencedSql(sql, 'orders', leader(8), (tx) => tx`UPDATE state SET value = ${'by 8'} WHERE id = 's'`);
    await expect(fencedSql(sql, 'orders', leader(7), async () => 'never')).rejects.toThrow(FencedError);
    await sql.end();
    expect(await valueNow()).toBe('by 8');
  });

  test('the store for HTTP services raises versions and never lowers them', async () => {
    const store = postgresFenceStore(pool);
    expect(await store.raise('billing', 7)).toBe(7);
    expect(await store.raise('billing', 9)).toBe(9);
    expect(await store.raise('billing', 8)).toBe(9);
  });

  describe('the test kit', () => {
    const opened = async () => {
      await pool.query('TRUNCATE tenure_fence; UPDATE state SET value = NULL');
      return { client: pool };
    };
    const read = async () => await valueNow();

    test('finds that the guarded transaction holds', async () => {
      const proof = await proveFenced(
        {
          open: opened,
          read,
          write: (client, term, value) => fencedSql(client, 'orders', term, (tx) => tx.query(setValue, [value])),
        },
        { schedules: sizes.fence.schedules },
      );
      expect(proof.kind === 'broken' ? proof.timeline : proof.kind).toBe('held');
    });

    test('finds that a check before the write, outside a transaction, lets a zombie through', async () => {
      const proof = await proveFenced(
        {
          open: opened,
          read,
          async write(client, { fencingVersion }, value) {
            const { rows } = await client.query(fenceSql.raise, ['orders', fencingVersion]);
            if (rows.length === 0) throw new FencedError('orders', fencingVersion, undefined);
            await client.query(setValue, [value]);
          },
        },
        { schedules: 200 },
      );
      expect(proof.kind).toBe('broken');
    });
  });
});
