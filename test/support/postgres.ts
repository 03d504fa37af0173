/** A real PostgreSQL of the tests' own, on a Unix socket in a temporary folder. */
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { endServer, untilServing } from './foreign-server.ts';

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
  await untilServing({ server, name: 'PostgreSQL', ms: 60_000 }, async () => {
    const client = new Client(options);
    await client.connect();
    await client.end();
  });
  return {
    options,
    async stop() {
      // runuser passes SIGTERM on; SIGINT would be a fast shutdown, which it does not.
      await endServer(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
