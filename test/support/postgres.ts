/** A real PostgreSQL of the tests' own, on a Unix socket in a temporary folder. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';

const debian = '/usr/lib/postgresql';

/** The folder of PostgreSQL's programs: Debian keeps them out of the PATH. */
function postgresPrograms(): string {
  const versions = existsSync(debian) ? readdirSync(debian).sort((one, other) => Number(other) - Number(one)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
  if (!found) throw new Error('PostgreSQL is not installed: apt-get install -y postgresql');
  return found;
}

export interface Postgres {
  /** The options that a client of `pg` or `postgres` takes. */
  readonly options: { readonly host: string; readonly port: number; readonly user: string; readonly database: string };
  stop(): Promise<void>;
}

/** Starts it. PostgreSQL refuses to run as root: then it runs as the user `postgres` of Debian's package. */
export async function startPostgres(): Promise<Postgres> {
  const programs = postgresPrograms();
  const folder = mkdtempSync(join(tmpdir(), 'tenure-pg-'));
  const asRoot = process.getuid?.() === 0;
  const [command, ...before] = asRoot ? ['runuser', '-u', 'postgres', '--'] : [];
  if (asRoot) {
    const [uid = 0, gid = 0] = ['-u', '-g'].map((flag) =>
      Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })),
    );
    chownSync(folder, uid, gid);
  }
  const line = (program: string, args: string[]): [string, string[]] => {
    const path = join(programs, program);
    return command ? [command, [...before, path, ...args]] : [path, args];
  };
  const data = join(folder, 'data');
  const initdb = line('initdb', ['-D', data, '-U', 'tenure', '-A', 'trust', '--no-sync', '--no-locale', '-E', 'UTF8']);
  execFileSync(...initdb, { stdio: 'pipe', cwd: folder });
  const settings = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${folder}`, '-c', 'fsync=off'];
  const server = spawn(...line('postgres', ['-D', data, ...settings]), { stdio: 'ignore', cwd: folder });
  const options = { host: folder, port: 5432, user: 'tenure', database: 'postgres' };
  await untilReady(options);
  return {
    options,
    async stop() {
      const ended = once(server, 'exit');
      // runuser passes SIGTERM on; SIGINT would be a fast shutdown, which it does not.
      server.kill('SIGTERM');
      const late = setTimeout(() => server.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(late);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilReady(options: Postgres['options']): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    const client = new Client(options);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (tried === 600) throw error;
      await pause(100);
    }
  }
}
