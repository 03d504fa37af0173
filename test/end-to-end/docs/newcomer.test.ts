import { afterAll, beforeAll, expect, test } from 'vitest';
import { sizes } from '../../sizes.ts';
import { readPage } from '../../support/docs/markdown.ts';
import { Reader } from '../../support/docs/reader.ts';
import { readings } from '../../support/docs/readings.ts';

let reader: Reader;
beforeAll(async () => {
  reader = await Reader.begin();
});
afterAll(() => reader.close());

// One after the other: the guide continues where the README ends.
test.each(readings.newcomer.slice(0, sizes.docs.newcomer))(
  '%s says what happens',
  async (page) => {
    const { differences } = await reader.read(readPage(page));
    expect(differences.join('\n\n'), 'npm run docs writes down what the commands print now').toBe('');
  },
  600_000,
);
