import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credentials } from './cloudformation/resources/clients.ts';

/**
 * The credentials of one stack, kept in its data folder: DynamoDB Local gives each access key ID tables of its own, so
 * that a random one keeps them from everybody who cannot read the folder, and a restart must use it again.
 */
export async function credentialsOf(folder: string): Promise<Credentials> {
  const file = join(folder, 'credentials.json');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Credentials;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
  const fresh = {
    accessKeyId: `LOCAL${randomBytes(16).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  };
  await writeFile(file, `${JSON.stringify(fresh, undefined, 2)}\n`, { mode: 0o600 });
  return fresh;
}
