import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { checkpointRoom } from './checkpoint-environment.ts';
import { checkpointRoutes } from './checkpoint-routes.ts';

export const handler = lambdaHandler(serve(checkpointRoutes(checkpointRoom())));
