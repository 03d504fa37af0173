import { handle } from 'hono/aws-lambda';
import { serve } from '../platform/http.ts';
import { restoreRoomWithLaunch } from './restore-room.ts';
import { policyRoutes, restoreRoutes } from './restore-routes.ts';

const room = restoreRoomWithLaunch();

/** Serves restores and backup policies. */
export const handler = handle(serve([...restoreRoutes(room), ...policyRoutes(room)]));
