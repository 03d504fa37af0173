import { defineConfig } from 'vitest/config';

const project = (name: string, more: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node' as const, ...more },
});

const dynamodb = { globalSetup: ['test/support/dynamodb-local.ts'] };

/** One project per kind of proof; `test/run.mjs` runs them in this order. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('unit'),
      project('contract', { ...dynamodb, testTimeout: 60_000, hookTimeout: 60_000 }),
      project('simulation', { testTimeout: 240_000 }),
      project('infra', { testTimeout: 120_000, hookTimeout: 120_000 }),
      project('end-to-end', {
        globalSetup: ['test/support/shared-stack.ts'],
        testTimeout: 300_000,
        hookTimeout: 120_000,
      }),
    ],
  },
});
