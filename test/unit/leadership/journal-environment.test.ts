import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { journalFromEnvironment } from '../../../functions/leadership/journal-environment.ts';

beforeEach(() => {
  vi.stubEnv('TENURE_TABLE', 'tenure-table');
  vi.stubEnv('AWS_REGION', 'eu-west-1');
});
afterEach(() => void vi.unstubAllEnvs());

test('a deployment keeps a journal unless it says that it keeps none', () => {
  expect(journalFromEnvironment()).toBeTypeOf('function');
  vi.stubEnv('TENURE_JOURNAL', 'off');
  expect(journalFromEnvironment()).toBeUndefined();
});

test('a word that is neither on nor off stops the function at its start', () => {
  vi.stubEnv('TENURE_JOURNAL', 'of');
  expect(() => journalFromEnvironment()).toThrow('TENURE_JOURNAL="of"');
});
