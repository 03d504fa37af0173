import { handle } from 'hono/aws-lambda';
import { serve } from '../platform/http.ts';
import { jobRoom } from './room.ts';
import { jobRoutes } from './routes.ts';

export const handler = handle(serve(jobRoutes(jobRoom())));
