import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { App } from './http.ts';

/**
 * Makes the Lambda handler of an application. The adapter of hono makes a whole `Request` of an event, whose streams and signals cost
 * more than a renewal's own work: an operation reads the method, the address, headers and at most the body.
 */
export function lambdaHandler(app: App) {
  return async (event: APIGatewayProxyEventV2, context?: Context): Promise<APIGatewayProxyStructuredResultV2> => {
    const response = await app.fetch(requestOf(event), { event, lambdaContext: context });
    return {
      statusCode: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
      isBase64Encoded: false,
    };
  };
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

/** A value may hold what HTTP headers cannot, once it was decoded: that arrives escaped. */
function headersOf(given: APIGatewayProxyEventV2['headers']): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    if (value) headers.set(name, /^[\x20-\x7e]*$/.test(value) ? value : encodeURIComponent(value));
  }
  return headers;
}
