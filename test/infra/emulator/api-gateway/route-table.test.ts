import { expect, test } from 'vitest';
import { matchRoute, routesOf } from '../../../../emulator/api-gateway/route-table.ts';
import { Deployment } from '../../../../emulator/cloudformation/assembly/deployment.ts';

const integration = (format: string) => ({
  Type: 'AWS::ApiGatewayV2::Integration',
  Properties: {
    IntegrationType: 'AWS_PROXY',
    IntegrationUri: { 'Fn::GetAtt': ['Worker', 'Arn'] },
    PayloadFormatVersion: format,
    TimeoutInMillis: 5_000,
  },
});

function deployment(keys: string[], format = '2.0') {
  const routes = keys.map((RouteKey, index) => [
    `Route${index}`,
    {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        RouteKey,
        Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
        AuthorizationType: 'AWS_IAM',
      },
    },
  ]);
  return new Deployment([
    {
      name: 's',
      account: '000000000000',
      region: 'us-east-1',
      assets: new Map(),
      template: {
        Resources: {
          Worker: { Type: 'AWS::Lambda::Function' },
          Integration: integration(format),
          ...Object.fromEntries(routes),
        },
      },
    },
  ]);
}

const routes = routesOf(
  deployment([
    '$default',
    'ANY /a/{p+}',
    'GET /a/{id}',
    'ANY /a/{id}',
    'GET /a/fixed',
    'GET /a/{id}/b/{other}',
    'POST /',
  ]),
);

test.each([
  ['GET', '/a/fixed', 'GET /a/fixed', {}],
  ['POST', '/a/fixed', 'ANY /a/{id}', { id: 'fixed' }],
  ['GET', '/a/7', 'GET /a/{id}', { id: '7' }],
  ['GET', '/a/7/b/8', 'GET /a/{id}/b/{other}', { id: '7', other: '8' }],
  ['GET', '/a/7/b', 'ANY /a/{p+}', { p: '7/b' }],
  ['GET', '/a/', 'ANY /a/{p+}', { p: '' }],
  ['POST', '/', 'POST /', {}],
  ['GET', '/', '$default', {}],
  ['GET', '/a/7/b/8/c', 'ANY /a/{p+}', { p: '7/b/8/c' }],
])('%s %s is %s', (method, path, key, pathParameters) => {
  const match = matchRoute(routes, method, path);
  expect(match?.route.key).toBe(key);
  expect(match?.pathParameters).toEqual(pathParameters);
});

test('without a default, what fits no route has none', () => {
  const some = routes.filter(({ key }) => key !== '$default');
  expect(matchRoute(some, 'GET', '/b')).toBeUndefined();
  expect(matchRoute(some, 'DELETE', '/')).toBeUndefined();
});

test('a route knows its function, its authorisation and its timeout, at most 30 s', () => {
  expect(routes[0]).toMatchObject({
    functionName: 'arn:aws:lambda:us-east-1:000000000000:function:s-Worker',
    authorization: 'AWS_IAM',
    timeoutMs: 5_000,
  });
});

test('an integration that does not run here is refused by name', () => {
  expect(() => routesOf(deployment(['GET /'], '1.0'))).toThrow(
    's/Integration: AWS_PROXY with payload format 1.0 does not run locally',
  );
});
