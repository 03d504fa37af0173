import { handle } from 'hono/aws-lambda';
import { serve } from '../platform/http.ts';
import { checkpointRoom } from './room.ts';
import { checkpointRoutes } from './routes.ts';

export const handler = handle(serve(checkpointRoutes(checkpointRoom())));
