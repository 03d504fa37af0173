import type { IncomingMessage } from 'node:http';
import * as z from 'zod';

/**
 * Faults that a test can order from the gateway. `before`: the gateway answers by itself and no function runs. `after`: the function runs,
 * and its answer is lost on the way. Status 0 breaks the connection instead of answering.
 */
export interface Fault {
  status: number;
  when: 'before' | 'after';
}

const order = z.strictObject({
  status: z.union([z.literal(0), z.int().min(400).max(599)]),
  when: z.enum(['before', 'after']).default('before'),
  /** How many of the requests that match get it. */
  times: z.int().min(1).default(1),
  method: z.string().optional(),
  /** A part of the path that a request must contain. */
  path: z.string().default(''),
});

export interface FaultOrders {
  /** Takes orders as JSON: one, a list, or an empty list to forget all. Throws a ZodError for anything else. */
  replace(body: string): number;
  /** The fault for this request, if one is ordered: its header `Tenure-Inject: 429` or `504;after`, else the first order that matches. */
  next(request: IncomingMessage): Fault | undefined;
}

export function faultOrders(): FaultOrders {
  let orders: z.output<typeof order>[] = [];
  return {
    replace(body) {
      const given = JSON.parse(body) as unknown;
      orders = z.array(order).parse(Array.isArray(given) ? given : [given]);
      return orders.length;
    },
    next(request) {
      const [status, when = 'before'] = String(request.headers['tenure-inject'] ?? '').split(';');
      if (status) return { status: Number(status), when: when.trim() === 'after' ? 'after' : 'before' };
      const found = orders.find(
        ({ times, method, path }) =>
          times > 0 && (!method || method === request.method) && (request.url ?? '').includes(path),
      );
      if (!found) return undefined;
      found.times -= 1;
      return found;
    },
  };
}
