import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { checkpointRoom } from './room.ts';
import { checkpointRoutes } from './routes.ts';

export const handler = lambdaHandler(serve(checkpointRoutes(checkpointRoom())));
