import * as z from 'zod/mini';
import { maxClockSkewMs, readSettings, tableName } from '../platform/settings.ts';

/** Settings that every function of this room reads from its environment. */
export const leadershipSettings = () =>
  readSettings({ TENURE_TABLE: tableName, TENURE_MAX_CLOCK_SKEW_MS: maxClockSkewMs });

/** Whether a deployment keeps a journal of each group. */
export const journalSettings = () =>
  readSettings({ TENURE_TABLE: tableName, TENURE_JOURNAL: z._default(z.enum(['on', 'off']), 'on') });
