import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describePermissions } from '../../../infra/permissions.ts';
import { newApp } from './synthesised.ts';

test('docs/permissions.md says what the template does; `npm run permissions` writes it anew', () => {
  const written = readFileSync(new URL('../../../docs/permissions.md', import.meta.url), 'utf8');
  expect(written).toBe(describePermissions(newApp().stack));
});
