import { readFile, stat } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { type Bundle, bundlesOf } from '../../support/bundles.ts';

/**
 * A cold function reads and compiles its bundle before it answers. The SDK's client of S3 alone brings 150 KB of schemas, endpoint
 * rules, XML and checksums, which esbuild cannot take apart; who needs it cannot stay below the limit of the others.
 */
const largest = { without: 450_000, with: 680_000 };

let bundles: Bundle[];

beforeAll(async () => {
  bundles = await bundlesOf();
}, 300_000);

test('no bundle is larger than a cold start may cost', async () => {
  expect(bundles.length).toBeGreaterThan(10);
  const tooLarge: string[] = [];
  for (const { name, file } of bundles) {
    const { size } = await stat(file);
    const limit = (await readFile(file, 'utf8')).includes('AmazonS3') ? largest.with : largest.without;
    if (size > limit) tooLarge.push(`${name}: ${size} of ${limit} bytes`);
  }
  expect(tooLarge).toEqual([]);
});

test('no bundle carries what Lambda makes needless: the sign-ins and profiles of developers', async () => {
  for (const { name, file } of bundles) {
    const code = await readFile(file, 'utf8');
    const needless = ['sso_region', 'SSOOIDC'].filter((sign) => code.includes(sign));
    expect(needless, name).toEqual([]);
  }
});
