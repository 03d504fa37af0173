/** The API of leadership as callers see it, over a table of its own for each test. */
import { beforeEach } from 'vitest';
import { catalogue } from '../../../api/catalogue.ts';
import { contendRoutes, leaseRoutes, observeRoutes, operateRoutes } from '../../../functions/leadership/routes.ts';
import { serve } from '../../../functions/platform/http.ts';
import { openRoom } from './room.ts';

type Room = Awaited<ReturnType<typeof openRoom>>;

export const leadership = '/v1/groups/orders/leadership';

export const fenceOf = ({ body }: { body: { fencingVersion: number; sessionId: string } }) => ({
  'Fencing-Version': String(body.fencingVersion),
  'Leader-Session': body.sessionId,
});

/** Opens the room before each test; the parts are those of the test that runs. */
export function leadershipCaller() {
  let it: Room;
  let app: ReturnType<typeof serve>;
  const serveWith = (settings: Partial<Room['room']> = {}) => {
    const room = { ...it.room, ...settings };
    app = serve(
      [
        ...contendRoutes(room),
        ...leaseRoutes(room),
        ...observeRoutes({ ...room, watches: it.watches }),
        ...operateRoutes(room, it.groups),
      ],
      { known: Object.values(catalogue) },
    );
  };
  beforeEach(async () => {
    it = await openRoom();
    serveWith();
  });
  return {
    /** Serves the rest of the test with other settings. */
    serveWith,
    get clock() {
      return it.clock;
    },
    get faults() {
      return it.faults;
    },
    async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const answer = await app.request(path, { method, headers, ...(body === undefined ? {} : { body: text }) });
      // biome-ignore lint/suspicious/noExplicitAny: what a caller reads is checked by the tests themselves
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any };
    },
  };
}
