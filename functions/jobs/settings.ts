import * as z from 'zod/mini';
import { bucketName, milliseconds, readSettings, tableName } from '../platform/settings.ts';

/** How long a finished job's result stays readable. */
export const resultRetention = {
  TENURE_RESULT_RETENTION_DAYS: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(3_650)), 7),
};

/** What every function of this room reads from its environment. */
export const checkpointSettings = () =>
  readSettings({
    TENURE_TABLE: tableName,
    TENURE_BUCKET: bucketName,
    ...resultRetention,
    /** Longer than an upload may wait for its commit (12 h). Shorter only where nobody writes, as in a test. */
    TENURE_ORPHAN_GRACE_MS: milliseconds(0, 365 * 24 * 3_600_000, 24 * 3_600_000),
  });
