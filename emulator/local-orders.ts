import * as z from 'zod';
import { type Answer, json } from './api-gateway/answer.ts';
import type { PermissionGuard } from './iam/guard.ts';
import type { Weather } from './like-aws/interference.ts';
import type { Triggers } from './triggers.ts';

export interface LocalOrderSurroundings {
  permissions: PermissionGuard | undefined;
  weather: Weather;
  fireByHand: (...order: Parameters<Triggers['fireByHand']>) => Answer | undefined;
}

const storm = z.strictObject({
  seconds: z.number().min(0).max(86_400),
  share: z.number().min(0).max(0.9).default(0.3),
});

/** The orders under /_local/, besides the faults of the gateway; undefined for a path that is not there. */
export function localOrders({ permissions, weather, fireByHand }: LocalOrderSurroundings) {
  return (method: string, path: string, body: string): Answer | undefined => {
    if (path === '/refusals' && method === 'GET') return json(200, [...(permissions?.refusals ?? [])]);
    if (path !== '/storm' || method !== 'PUT') return fireByHand(method, path, body);
    if (!permissions)
      return json(409, { message: 'No storm reaches the stores: start with --enforce-roles or --like-aws' });
    const ordered = storm.safeParse(JSON.parse(body || '{}'));
    if (!ordered.success) return json(400, { message: z.prettifyError(ordered.error) });
    weather.storm(ordered.data);
    return json(202, ordered.data);
  };
}
