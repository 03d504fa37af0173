/** A real MariaDB of the tests' own, on a Unix socket in a temporary folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';

/** Debian keeps servers out of the PATH of users. */
function serverProgram(): string {
  const folders = ['/usr/sbin', ...(process.env['PATH'] ?? '').split(':')];
  const found = folders.map((folder) => join(folder, 'mariadbd')).find((program) => existsSync(program));
  if (!found) throw new Error('MariaDB is not installed: apt-get install -y mariadb-server-core');
  return found;
}

export interface Mariadb {
  /** The options that a connection or pool of `mysql2` takes. */
  readonly options: { readonly socketPath: string; readonly user: string; readonly database: string };
  stop(): Promise<void>;
}

/** Starts it on an empty folder: without accounts, it needs none of the tables that an installation makes. */
export async function startMariadb(): Promise<Mariadb> {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-maria-'));
  const data = join(folder, 'data');
  mkdirSync(data);
  const socketPath = join(folder, 'socket');
  const asRoot = process.getuid?.() === 0 ? ['--user=root'] : [];
  const settings = [`--datadir=${data}`, `--socket=${socketPath}`, `--pid-file=${join(folder, 'pid')}`];
  const server = spawn(
    serverProgram(),
    [
      '--no-defaults',
      ...asRoot,
      ...settings,
      '--skip-networking',
      '--skip-grant-tables',
      '--innodb-flush-log-at-trx-commit=0',
    ],
    { stdio: 'ignore', cwd: folder },
  );
  const user = 'root';
  await createDatabase({ socketPath, user });
  return {
    options: { socketPath, user, database: 'tenure' },
    async stop() {
      const ended = once(server, 'exit');
      server.kill('SIGTERM');
      const late = setTimeout(() => server.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(late);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function createDatabase(options: { socketPath: string; user: string }): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      const connection = await createConnection(options);
      await connection.query('CREATE DATABASE tenure');
      await connection.end();
      return;
    } catch (error) {
      if (tried === 600) throw error;
      await pause(100);
    }
  }
}
