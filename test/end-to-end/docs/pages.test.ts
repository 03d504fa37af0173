import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { sizes } from '../../sizes.ts';
import { readPage } from '../../support/docs/markdown.ts';
import { Reader } from '../../support/docs/reader.ts';
import { readings } from '../../support/docs/readings.ts';

let reader: Reader;
beforeAll(async () => {
  reader = await Reader.begin({ url: inject('stack').api });
});
afterAll(() => reader.close());

test.each(readings.others.slice(0, sizes.docs.others))('%s says what happens', async (page) => {
  const { differences } = await reader.read(readPage(page));
  expect(differences.join('\n\n'), 'npm run docs writes down what the commands print now').toBe('');
});

test('the API serves the document that is checked in', async () => {
  const answer = await fetch(`${inject('stack').api}/v1/openapi.json`);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  expect(await answer.json()).toEqual(JSON.parse(readPage('docs/openapi.json')));
});
