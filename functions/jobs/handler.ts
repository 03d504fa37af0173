import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { jobRoom } from './environment.ts';
import { jobRoutes } from './routes.ts';

export const handler = lambdaHandler(serve(jobRoutes(jobRoom())));
