import type { IncomingMessage } from 'node:http';
import * as z from 'zod';

/**
 * Faults that a test can order from the gateway. `before`: the gateway answers by itself and no function runs. `after`:
 * the function runs, and its answer is lost on the way. Status 0 breaks the connection instead of answering.
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

const orderList = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue('not JSON');
      return z.NEVER;
    }
  })
  .transform((given) => (Array.isArray(given) ? given : [given]))
  .pipe(z.array(order));

export interface FaultOrders {
  /**
   * Takes orders as JSON: one, a list, or an empty list to forget all. Returns how many there are now, or what is wrong
   * with them.
   */
  replace(body: string): { orders: number } | { issues: string[] };
  /**
   * The fault for this request, if one is ordered: its header `Tenure-Inject: 429` or `504;after`, else the first order
   * that matches.
   */
  next(request: IncomingMessage): Fault | 'malformed' | undefined;
}

export function faultOrders(): FaultOrders {
  let orders: z.output<typeof order>[] = [];
  return {
    replace(body) {
      const read = orderList.safeParse(body);
      if (!read.success)
        return { issues: read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) };
      orders = read.data;
      return { orders: orders.length };
    },
    next(request) {
      const header = request.headers['tenure-inject'];
      if (header !== undefined) {
        const [, status, after] = /^(0|[45]\d\d)(; ?after)?$/.exec(String(header)) ?? [];
        return status ? { status: Number(status), when: after ? 'after' : 'before' } : 'malformed';
      }
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
