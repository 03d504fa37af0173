import { setTimeout as pause } from 'node:timers/promises';
import { createConnection, createPool, type Pool, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FencedError } from '../../client/fence/fence.ts';
import { fencedMysql, fenceMysql } from '../../client/fence/mysql.ts';
import { proveFenced } from '../../client/fence/prove.ts';
import { sizes } from '../sizes.ts';
import { type Mariadb, startMariadb } from '../support/mariadb.ts';

const levels = ['read committed', 'repeatable read', 'serializable'] as const;
const leader = (fencingVersion: number) => ({ fencingVersion });
const setValue = "UPDATE state SET value = ? WHERE id = 's'";

describe('the fence in MariaDB', () => {
  let server: Mariadb;
  let pool: Pool;

  beforeAll(async () => {
    server = await startMariadb();
    pool = createPool({ ...server.options, connectionLimit: 30 });
    await pool.query(fenceMysql.create);
    await pool.query('CREATE TABLE state (id varchar(9) PRIMARY KEY, value varchar(99)) ENGINE = InnoDB');
    await pool.query('CREATE TABLE notes (text varchar(99)) ENGINE = MyISAM');
  });

  afterAll(async () => {
    await pool?.end();
    await server?.stop();
  });

  const reset = async () => {
    await pool.query('DELETE FROM tenure_fence');
    await pool.query("REPLACE INTO state VALUES ('s', NULL), ('t', NULL)");
  };
  beforeEach(reset);

  async function valueNow(id = 's'): Promise<string | undefined> {
    const [rows] = await pool.execute<RowDataPacket[]>('SELECT value FROM state WHERE id = ?', [id]);
    return rows[0]?.['value'] ?? undefined;
  }

  test('commits what the leader does, and refuses an older one without a trace', async () => {
    expect(
      await fencedMysql(pool, 'orders', leader(7), async (tx) => {
        await tx.execute(setValue, ['by 7']);
        return 'done';
      }),
    ).toBe('done');
    await fencedMysql(pool, 'orders', leader(8), (tx) => tx.execute(setValue, ['by 8']));
    const refused = fencedMysql(pool, 'orders', leader(7), (tx) => tx.execute(setValue, ['by 7 again']));
    await expect(refused).rejects.toMatchObject({ name: 'FencedError', code: 'fenced', yours: 7, current: 8 });
    expect(await valueNow()).toBe('by 8');
    await fencedMysql(pool, 'invoices', leader(3), (tx) => tx.execute(setValue, ['by 3']));
    expect(await valueNow()).toBe('by 3');
  });

  test('an error thrown by work rolls everything back, and the connection can be used again as it was', async () => {
    const failed = fencedMysql(pool, 'orders', leader(7), async (tx) => {
      await tx.execute(setValue, ['half']);
      throw new Error('the work failed');
    });
    await expect(failed).rejects.toThrow('the work failed');
    expect(await valueNow()).toBeUndefined();
    const connection = await createConnection(server.options);
    await expect(
      fencedMysql(connection, 'orders', leader(7), (tx) => tx.query('SELECT nothing')),
    ).rejects.toMatchObject({ errno: 1054 });
    await fencedMysql(connection, 'orders', leader(7), (tx) => tx.execute(setValue, ['whole']));
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT @@wait_timeout AS seconds, @@in_transaction AS open',
    );
    expect(rows[0]).toMatchObject({ seconds: 28_800, open: 0 });
    await connection.end();
    expect(await valueNow()).toBe('whole');
  });

  test.each([
    'CREATE TABLE z (a int)',
    'ALTER TABLE state ADD COLUMN z int',
    'TRUNCATE TABLE state',
    'DROP TABLE state',
    'LOCK TABLES state WRITE',
    'START TRANSACTION',
    'COMMIT',
    'ROLLBACK',
  ])('the server refuses %s, which would end the transaction before its time', async (statement) => {
    const ended = fencedMysql(pool, 'orders', leader(7), async (tx) => {
      await tx.execute(setValue, ['half']);
      await tx.query(statement);
    });
    await expect(ended).rejects.toMatchObject({ errno: 1399 });
    expect(await valueNow()).toBeUndefined();
  });

  test('a deadlock that the work catches lets nothing of it through, and the work runs again', async () => {
    const update = 'UPDATE state SET value = ? WHERE id = ?';
    const runs: string[] = [];
    const refusals: number[] = [];
    let met = () => {};
    const both = new Promise<void>((resolve) => {
      met = () => runs.length === 2 && resolve();
    });
    const writes = (name: string, ids: readonly [string, string]) =>
      fencedMysql(pool, name, leader(7), async (tx) => {
        await tx.execute(update, [name, ids[0]]);
        runs.push(name);
        met();
        await both;
        // In a plain transaction the statement after the deadlock would run on its own, outside the fence.
        const again = () => tx.execute(update, ['unguarded', ids[1]]);
        await tx.execute(update, [name, ids[1]]).catch(() => again().catch(({ errno }) => refusals.push(errno)));
      });
    await Promise.all([writes('one', ['s', 't']), writes('two', ['t', 's'])]);
    expect(refusals).toEqual([1399]);
    expect(runs).toHaveLength(3);
    expect(await valueNow('s')).toBe(runs[2]);
    expect(await valueNow('t')).toBe(runs[2]);
  });

  test('transactions of one version run side by side; the next version waits for them', async () => {
    await fencedMysql(pool, 'orders', leader(7), async () => undefined);
    const opened: string[] = [];
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const both = ['one', 'two'].map((name) =>
      fencedMysql(pool, 'orders', leader(7), async () => {
        opened.push(name);
        await gate;
      }),
    );
    while (opened.length < 2) await pause(5);
    const next = fencedMysql(pool, 'orders', leader(8), async () => opened.push('eight'));
    // The server keeps what it answers here for 100 ms, and for longer when it is asked more often.
    const waiting = 'SELECT count(*) AS n FROM information_schema.INNODB_LOCK_WAITS';
    while ((await pool.query<RowDataPacket[]>(waiting))[0][0]?.['n'] === 0) await pause(200);
    expect(opened).toHaveLength(2);
    open();
    await Promise.all([...both, next]);
    expect(opened[2]).toBe('eight');
  });

  test('a leader that freezes in its transaction does not block its successor: its session is ended', async () => {
    let thaw = () => {};
    const thawed = new Promise<void>((resolve) => {
      thaw = resolve;
    });
    let entered = () => {};
    const isIn = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const frozen = fencedMysql(
      pool,
      'orders',
      leader(7),
      async (tx) => {
        entered();
        await thawed;
        await tx.execute(setValue, ['by the thawed 7']);
      },
      { idleTimeoutMs: 300 },
    );
    frozen.catch(() => undefined);
    await isIn;
    await fencedMysql(pool, 'orders', leader(8), (tx) => tx.execute(setValue, ['by 8']));
    thaw();
    await expect(frozen).rejects.toThrow();
    await expect(fencedMysql(pool, 'orders', leader(7), (tx) => tx.execute(setValue, ['again']))).rejects.toThrow(
      FencedError,
    );
    expect(await valueNow()).toBe('by 8');
  });

  test.each(levels)('under %s nothing is lost when many transactions meet, and no version falls', async (isolation) => {
    await pool.execute(setValue, ['0']);
    const increment = (version: number) =>
      fencedMysql(
        pool,
        'orders',
        leader(version),
        async (tx) => {
          const [rows] = await tx.query<RowDataPacket[]>("SELECT value FROM state WHERE id = 's' FOR UPDATE");
          await tx.execute(setValue, [String(Number(rows[0]?.['value']) + 1)]);
        },
        { isolation, tries: 100 },
      );
    const settled = await Promise.allSettled(Array.from({ length: 24 }, (_, at) => increment(at < 12 ? 7 : 8)));
    const committed = settled.filter(({ status }) => status === 'fulfilled').length;
    const reasons = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason.name] : []));
    expect(reasons.filter((name) => name !== 'FencedError')).toEqual([]);
    expect(committed).toBeGreaterThanOrEqual(12);
    expect(await valueNow()).toBe(String(committed));
  });

  test.each(levels)('under %s the work reads what its predecessor committed', async (isolation) => {
    let finish = () => {};
    const may = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const first = fencedMysql(pool, 'orders', leader(7), async (tx) => {
      await tx.execute(setValue, ['by 7']);
      await may;
    });
    while (!(await isLocked())) await pause(5);
    const second = fencedMysql(
      pool,
      'orders',
      leader(8),
      async (tx) => (await tx.query<RowDataPacket[]>("SELECT value FROM state WHERE id = 's'"))[0][0]?.['value'],
      { isolation },
    );
    await pause(20);
    finish();
    await first;
    expect(await second).toBe('by 7');
  });

  async function isLocked(): Promise<boolean> {
    return await pool.query('SELECT version FROM tenure_fence FOR UPDATE NOWAIT').then(
      () => false,
      ({ errno }) => errno === 1205,
    );
  }

  test('savepoints and prepared statements keep the fence', async () => {
    await fencedMysql(pool, 'orders', leader(7), async (tx) => {
      await tx.query('SAVEPOINT one');
      await tx.execute(setValue, ['discarded']);
      await tx.query('ROLLBACK TO SAVEPOINT one');
      await tx.execute(setValue, ['kept']);
      expect(await isLocked()).toBe(true);
    });
    expect(await valueNow()).toBe('kept');
  });

  test('MyISAM is refused for the fence, and its rows are reported when they outlive the work', async () => {
    await pool.query('ALTER TABLE tenure_fence ENGINE = MyISAM');
    await expect(fencedMysql(pool, 'orders', leader(7), async () => undefined)).rejects.toThrow(
      'tenure_fence is a table of MyISAM, which cannot lock a row; alter it to ENGINE = InnoDB',
    );
    await pool.query('ALTER TABLE tenure_fence ENGINE = InnoDB');
    const failed = fencedMysql(pool, 'orders', leader(7), async (tx) => {
      await tx.execute('INSERT INTO notes VALUES (?)', ['stays']);
      throw new Error('the work failed');
    });
    await expect(failed).rejects.toThrow('rolled back, except in tables that are not transactional; use InnoDB');
    await expect(failed).rejects.toMatchObject({ cause: { message: 'the work failed' } });
  });

  describe('the test kit', () => {
    const opened = async () => {
      await reset();
      return { client: pool };
    };
    const read = () => valueNow();

    test.each(levels)('finds that the guarded transaction holds under %s', async (isolation) => {
      const proof = await proveFenced(
        {
          open: opened,
          read,
          write: (client, term, value) =>
            fencedMysql(client, 'orders', term, (tx) => tx.execute(setValue, [value]), { isolation }),
        },
        { schedules: Math.ceil(sizes.fence.schedules / levels.length) },
      );
      expect(proof.kind === 'broken' ? proof.timeline : proof.kind).toBe('held');
    });

    test('finds that a check before the write, outside a transaction, lets a zombie through', async () => {
      const proof = await proveFenced(
        {
          open: opened,
          read,
          async write(client, { fencingVersion }, value) {
            await client.execute(fenceMysql.raise, ['orders', fencingVersion]);
            const [rows] = await client.execute<RowDataPacket[]>(fenceMysql.current, ['orders']);
            const current = Number(rows[0]?.['version']);
            if (current !== fencingVersion) throw new FencedError('orders', fencingVersion, current);
            await client.execute(setValue, [value]);
          },
        },
        { schedules: 200 },
      );
      expect(proof.kind).toBe('broken');
    });
  });
});
