import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { App } from './http.ts';
import { Reply } from './reply.ts';

/**
 * Makes the Lambda handler of an application. The adapter of hono makes a whole `Request` of an event, whose streams
 * and signals cost more than a renewal's own work: an operation reads the method, the address, headers and at most the
 * body.
 */
export function lambdaHandler(app: App) {
  return async (event: APIGatewayProxyEventV2, context?: Context): Promise<APIGatewayProxyStructuredResultV2> => {
    const answered: Response | Reply = await app.fetch(requestOf(event), { event, lambdaContext: context });
    const { status: statusCode, headers, body } = answered instanceof Reply ? answered : await replyOf(answered);
    return { statusCode, headers, body, isBase64Encoded: false };
  };
}

/** Hono answers a HEAD itself. */
async function replyOf(response: Response): Promise<Reply> {
  return new Reply(response.status, Object.fromEntries(response.headers), await response.text());
}

function requestOf({
  requestContext,
  rawPath,
  rawQueryString,
  headers,
  body,
  isBase64Encoded,
}: APIGatewayProxyEventV2) {
  const { href } = new URL(`https://${requestContext.domainName}${rawPath}${rawQueryString && `?${rawQueryString}`}`);
  const request = {
    method: requestContext.http.method,
    url: href,
    headers: headersOf(headers),
    arrayBuffer: async () => Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8'),
  };
  return request as unknown as Request;
}

/**
 * API Gateway has their names in small letters. A value may hold what HTTP headers cannot, once it was decoded: that
 * arrives escaped.
 */
function headersOf(given: APIGatewayProxyEventV2['headers']): Pick<Headers, 'get'> {
  return {
    get(name) {
      const value = given[name.toLowerCase()];
      if (value === undefined) return null;
      return /^[\x20-\x7e]*$/.test(value) ? value : encodeURIComponent(value);
    },
  };
}
