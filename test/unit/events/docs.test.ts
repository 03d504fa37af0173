import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { details } from '../../../api/events.ts';

const page = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8');
const common = ['version', 'id', 'sequence', 'group', 'at'];

test('the page of the events names each type with all its members, and no other', () => {
  const rows = [...page.matchAll(/^\| `([A-Z][A-Za-z ]+)` \| (.*?) \| /gm)].map(([, type, members]) => ({
    type,
    members,
  }));
  expect(rows.map(({ type }) => type).toSorted()).toEqual(Object.keys(details).toSorted());
  for (const { type, members } of rows) {
    const declared = Object.keys(details[type as keyof typeof details].shape).filter((name) => !common.includes(name));
    for (const name of declared) expect(members, type).toContain(`\`${name}\``);
  }
  for (const name of common) expect(page).toContain(`\`${name}\``);
});

test('its example is an event', () => {
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
  const event = JSON.parse(example);
  const schema = details[event['detail-type'] as keyof typeof details];
  expect(schema.parse(event.detail)).toEqual(event.detail);
});
