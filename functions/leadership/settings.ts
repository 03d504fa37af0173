import { maxClockSkewMs, readSettings, tableName } from '../platform/settings.ts';

/** Settings that every function of this room reads from its environment. */
export const leadershipSettings = () =>
  readSettings({ TENURE_TABLE: tableName, TENURE_MAX_CLOCK_SKEW_MS: maxClockSkewMs });
