import { readFile, stat } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { devDependencies } from '../../../package.json' with { type: 'json' };
import { type Bundle, bundlesOf } from '../../support/bundles.ts';

/**
 * A cold function reads and compiles its bundle before it responds: leaders and contenders wait for two of them. The
 * function of backups serves restores, policies and the deletion of groups, too, and nobody's lease waits for it.
 */
function largest(name: string): number {
  if (/Service(lease|contend)/.test(name)) return 350_000;
  return /Servicebackups/.test(name) ? 660_000 : 580_000;
}

let bundles: Bundle[];

beforeAll(async () => {
  bundles = await bundlesOf();
}, 300_000);

test('no bundle is larger than a cold start may cost', async () => {
  expect(bundles.length).toBeGreaterThan(10);
  const tooLarge: string[] = [];
  for (const { name, file } of bundles) {
    const { size } = await stat(file);
    if (size > largest(name)) tooLarge.push(`${name}: ${size} of ${largest(name)} bytes`);
  }
  expect(tooLarge).toEqual([]);
});

test.each([
  ['the sign-ins and profiles of developers', ['sso_region', 'SSOOIDC']],
  ['requests of S3 that nobody sends', ['PutBucketReplication', 'SelectObjectContent']],
  ['the packages of the SDK as they describe themselves', ['"Apache-2.0"']],
])('no bundle carries %s', async (_, signs) => {
  for (const { name, file } of bundles) {
    const code = await readFile(file, 'utf8');
    expect(
      signs.filter((sign) => code.includes(sign)),
      name,
    ).toEqual([]);
  }
});

test('each client still tells its version to AWS', async () => {
  for (const { name, file } of bundles)
    expect(await readFile(file, 'utf8'), name).toContain(devDependencies['@aws-sdk/client-dynamodb']);
});
