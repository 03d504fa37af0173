import * as z from 'zod/mini';
import { readSettings } from '../platform/settings.ts';

export function eventSettings() {
  return readSettings({ TENURE_EVENT_BUS: z.string().check(z.minLength(1)), TENURE_FAILURES_QUEUE: z.url() });
}
