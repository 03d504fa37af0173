import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const project = (name: string, more: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], environment: 'node' as const, ...more },
});

/** Files that leave nothing behind in their process may share it, and what it has loaded. */
const together = { isolate: false };
const dynamodb = { globalSetup: ['test/support/dynamodb-local.ts'] };

/** They begin first, so that none of them is left to run alone. */
const longest = [
  'docs/newcomer',
  'jobs/word-count',
  'docs/pages',
  'leadership/lead-command',
  'backups/restore',
  'stack/process',
  'events/bus',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((name) => moduleId.endsWith(`${name}.test.ts`));
      return at === -1 ? longest.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}

/** One project per kind of proof; `test/run.mjs` runs them in this order. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: [
      project('unit', {
        ...together,
        include: ['test/unit/**/*.test.ts', 'test/tidy.test.ts'],
        testTimeout: 60_000,
        hookTimeout: 60_000,
      }),
      project('contract', { ...together, ...dynamodb, testTimeout: 60_000, hookTimeout: 60_000 }),
      project('emulator', {
        ...together,
        include: ['test/contract/{bench,leadership,events,log}/**/*.test.ts', 'test/ministack/**/*.test.ts'],
        globalSetup: ['test/support/ministack.ts'],
        testTimeout: 60_000,
        hookTimeout: 120_000,
      }),
      project('aws', {
        include: ['test/aws/**/*.test.ts', 'test/end-to-end/**/*.test.ts'],
        globalSetup: ['test/aws/provide.ts'],
        testTimeout: 300_000,
        hookTimeout: 320_000,
      }),
      project('simulation', { testTimeout: 240_000 }),
      project('fuzz', { testTimeout: 1_200_000, hookTimeout: 320_000 }),
      project('generators', { testTimeout: 120_000, hookTimeout: 320_000 }),
      project('python', { ...dynamodb, testTimeout: 120_000, hookTimeout: 60_000 }),
      project('postgres', { ...dynamodb, testTimeout: 120_000, hookTimeout: 120_000 }),
      project('mariadb', { testTimeout: 120_000, hookTimeout: 120_000 }),
      project('browser', {
        globalSetup: ['test/support/shared-stack.ts'],
        testTimeout: 60_000,
        hookTimeout: 320_000,
      }),
      project('package', {
        ...together,
        globalSetup: ['test/support/package/packed.ts'],
        testTimeout: 120_000,
        hookTimeout: 300_000,
      }),
      project('infra', { ...together, testTimeout: 120_000, hookTimeout: 120_000 }),
      project('end-to-end', {
        ...together,
        globalSetup: ['test/support/shared-stack.ts'],
        testTimeout: 300_000,
        // Longer than a stack may take to come up.
        hookTimeout: 320_000,
      }),
    ],
  },
});
