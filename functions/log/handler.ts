import { handle } from 'hono/aws-lambda';
import { serve } from '../platform/http.ts';
import { replicasRoom } from './room.ts';
import { logRoutes } from './routes.ts';

export const handler = handle(serve(logRoutes(replicasRoom())));
