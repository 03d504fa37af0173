/**
 * Set by `npm run test:full`: the sizes that the product promises; otherwise sizes that keep `npm test` under 12
 * minutes.
 */
const full = process.env['TENURE_TEST_FULL'] === '1';

const size = (reduced: number, whole: number) => (full ? whole : reduced);

export const sizes = {
  full,
  /** Pages that are typed, from the first on. */
  docs: { newcomer: size(1, 2), others: size(1, 4) },
  jobs: {
    commits: size(300, 100_000),
    recovered: size(300, 10_000),
    modelRuns: size(15, 300),
    uploadMiB: size(256, 2_048),
    kills: size(2, 20),
  },
  log: {
    positions: size(300, 10_000),
    fightMs: size(6_000, 120_000),
    simulatedRuns: size(150, 10_000),
    exclusiveRuns: size(60, 10_000),
    variantRuns: 1_000,
  },
  leadership: {
    failovers: size(3, 20),
    freezes: size(1, 20),
    modelRuns: size(20, 1_000),
    simulatedRuns: size(120, 10_000),
    simulatedCrowds: size(6, 300),
    historyCalls: size(15, 150),
  },
  /** A storm of AWS, and how often the schedule fires in it: the stack's minute passes faster. */
  storm: { seconds: size(12, 600), share: 0.3, jobs: size(10, 100), minuteMs: size(4_000, 20_000) },
  fence: { schedules: size(25, 1_000) },
  security: {
    hostileRequests: size(4, 500),
    /** Made by chance for each operation, besides those at the limits of its schema. */
    openApiExamples: size(6, 300),
  },
  client: { electorRuns: size(150, 3_000) },
  s3: { largeObjectMiB: size(128, 1024), racingWriters: 30 },
  backups: {
    randomGroups: size(4, 60),
    simulatedRuns: size(12, 1_000),
    variantRuns: 60,
    /** Backups of a group whose program cross-references what it writes; jobs of that group. */
    causalBackups: size(1, 50),
    causalJobs: size(5, 200),
    restoreKills: size(8, 200),
    entries: 200_000,
    jobs: 2_000,
  },
} as const;
