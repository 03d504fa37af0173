import * as z from 'zod/mini';
import { bucketName, milliseconds, readSettings, tableName, wholeNumber } from '../platform/settings.ts';

/** How long a finished job's result stays readable. */
export const resultRetention = {
  TENURE_RESULT_RETENTION_DAYS: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(3_650)), 7),
};

/** How many jobs of a group may exist that are not cleaned up. */
const mostJobs = { TENURE_MOST_JOBS: wholeNumber(1, 1_000_000, 10_000) };

/** Settings of the functions that only read jobs. */
export const jobSettings = () => readSettings({ TENURE_TABLE: tableName, TENURE_BUCKET: bucketName, ...mostJobs });

/** Settings that every function of this room reads from its environment. */
export const checkpointSettings = () =>
  readSettings({
    TENURE_TABLE: tableName,
    TENURE_BUCKET: bucketName,
    ...resultRetention,
    ...mostJobs,
    /** Longer than an upload may wait for its commit (12 h). Shorter only where nobody writes, as in a test. */
    TENURE_ORPHAN_GRACE_MS: milliseconds(0, 365 * 24 * 3_600_000, 24 * 3_600_000),
  });
