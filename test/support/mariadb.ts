/** A real MariaDB of the tests' own, on a Unix socket in a temporary folder. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { endServer, untilServing } from './foreign-server.ts';

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
  await untilServing({ server, name: 'MariaDB', ms: 60_000 }, async () => {
    const connection = await createConnection({ socketPath, user });
    await connection.query('CREATE DATABASE tenure').finally(() => connection.end());
  });
  return {
    options: { socketPath, user, database: 'tenure' },
    async stop() {
      await endServer(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
