import { handle } from 'hono/aws-lambda';
import { serve } from '../platform/http.ts';
import { leadershipRoom } from './room.ts';
import { leaseRoutes } from './routes.ts';

export const handler = handle(serve(leaseRoutes(leadershipRoom())));
