import { Logger } from '@aws-lambda-powertools/logger';

/** JSON lines with the request id; payloads, tokens and headers never go in. */
export const logger = new Logger({ serviceName: process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? 'tenure' });
