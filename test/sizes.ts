/** Set by `npm run test:full`: the sizes that the product promises; otherwise sizes that keep `npm test` under 12 minutes. */
const full = process.env['TENURE_TEST_FULL'] === '1';

const size = (reduced: number, whole: number) => (full ? whole : reduced);

export const sizes = {
  client: { electorRuns: size(150, 3_000) },
  s3: { largeObjectMiB: size(128, 1024), racingWriters: 30 },
} as const;
