import * as z from 'zod';
import { readSettings } from '../platform/settings.ts';

export function eventSettings() {
  return readSettings({ TENURE_EVENT_BUS: z.string().min(1), TENURE_FAILURES_QUEUE: z.url() });
}
