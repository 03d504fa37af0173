import type { APIGatewayProxyEventV2 } from 'aws-lambda';

/** API Gateway adds it to an event of a route with an IAM authorizer, which the types leave out. */
export function callerOf(event: APIGatewayProxyEventV2 | undefined): string {
  const { authorizer } = (event?.requestContext ?? {}) as { authorizer?: { iam?: { userArn?: string } } };
  return authorizer?.iam?.userArn ?? 'unsigned';
}
