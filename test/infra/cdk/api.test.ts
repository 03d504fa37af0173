import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../../../api/catalogue.ts';
import type { Operation } from '../../../api/operation.ts';
import { functionName, referred, resources, templateOf, text } from './synthesised.ts';

const operations = Object.values<Operation>(catalogue);

let template: Template;
let routes: { RouteKey: string; AuthorizationType: string; Target: unknown }[];
beforeAll(() => {
  template = templateOf();
  routes = resources(template, 'AWS::ApiGatewayV2::Route').map(({ properties }) => properties);
});

function stage() {
  const [stage, ...others] = resources(template, 'AWS::ApiGatewayV2::Stage');
  expect(others).toEqual([]);
  if (!stage) throw new Error('The API has no stage');
  return stage;
}

describe('routes', () => {
  test('there is one for each operation of the catalogue, behind the function that serves it, and one for the rest', () => {
    const found = routes.map(({ RouteKey, Target }) => {
      const { properties } = referred(template, 'AWS::ApiGatewayV2::Integration', Target);
      expect(properties).toMatchObject({ IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0' });
      return `${RouteKey} → ${functionName(template, properties.IntegrationUri)}`;
    });
    const expected = operations.map(({ method, path, servedBy }) => `${method} ${path} → ${servedBy}`);
    expect(found.sort()).toEqual([...expected, '$default → operate'].sort());
  });

  test('every one, the catch-all too, takes signed requests only', () => {
    const unsigned = routes.filter(({ AuthorizationType }) => AuthorizationType !== 'AWS_IAM');
    expect(unsigned).toEqual([]);
    expect(routes.length).toBeGreaterThan(10);
  });

  test('API Gateway may call the functions behind them from this API only, the catch-all route included', () => {
    const permissions = resources(template, 'AWS::Lambda::Permission').map(({ properties }) => {
      const source = text(properties.SourceArn).replace(/^.*:\$\{\w+Http\w+\}/, 'API');
      return `${functionName(template, properties.FunctionName)} from ${source}`;
    });
    const functions = [...new Set(operations.map(({ servedBy }) => servedBy))];
    // The catch-all's source is API/STAGE/$default: one part less than that of a route with a path.
    const expected = [...functions.map((name) => `${name} from API/*/*/*`), 'operate from API/*/*'];
    expect(permissions.sort()).toEqual(expected.sort());
  });
});

describe('the stage', () => {
  test('has limits of its own for the leader, contenders, polls and what no route takes; all others share those of the stage', () => {
    const { RouteSettings, DefaultRouteSettings } = stage().properties;
    const own = operations.filter(({ servedBy }) => ['lease', 'observe', 'contend'].includes(servedBy));
    const poll = 'GET /v1/groups/{group}/workers/{worker}/commands';
    const expected = [...own.map(({ method, path }) => `${method} ${path}`), poll, '$default'];
    expect(Object.keys(RouteSettings).sort()).toEqual(expected.sort());
    const limits = (key: string): number[] => [
      RouteSettings[key].ThrottlingRateLimit,
      RouteSettings[key].ThrottlingBurstLimit,
    ];
    const renew = limits('POST /v1/groups/{group}/leadership/renew');
    const contend = limits('POST /v1/groups/{group}/leadership/contend');
    for (const limit of [0, 1]) {
      expect(contend[limit]).toBeLessThan(Number(renew[limit]));
      expect(limits(poll)[limit]).toBeLessThan(Number(contend[limit]));
      expect(limits('$default')[limit]).toBeLessThan(Number(limits(poll)[limit]));
      for (const key of Object.keys(RouteSettings)) expect(limits(key)[limit]).toBeGreaterThan(0);
    }
    expect(DefaultRouteSettings.ThrottlingRateLimit).toBeLessThan(Number(renew[0]));
  });

  test('takes its limits from the settings', () => {
    const throttles = 'lease=300/400,contend=5/6,polls=7/8,other=9/10,unknown=1/2';
    const [other] = resources(templateOf({ throttles }), 'AWS::ApiGatewayV2::Stage');
    const { RouteSettings, DefaultRouteSettings } = other?.properties ?? {};
    expect(RouteSettings['POST /v1/groups/{group}/leadership/renew'].ThrottlingRateLimit).toBe(300);
    expect(RouteSettings['POST /v1/groups/{group}/leadership/contend'].ThrottlingBurstLimit).toBe(6);
    expect(RouteSettings['GET /v1/groups/{group}/workers/{worker}/commands'].ThrottlingRateLimit).toBe(7);
    expect(RouteSettings['$default'].ThrottlingBurstLimit).toBe(2);
    expect(DefaultRouteSettings.ThrottlingRateLimit).toBe(9);
  });

  test('is created after the routes that it has settings for', () => {
    const limited = Object.keys(stage().properties.RouteSettings);
    const ids = resources(template, 'AWS::ApiGatewayV2::Route').filter(({ properties }) =>
      limited.includes(properties.RouteKey),
    );
    expect(ids).toHaveLength(limited.length);
    expect(stage().dependsOn).toEqual(expect.arrayContaining(ids.map(({ id }) => id)));
  });

  test('writes an access log that tells who called what, and keeps it for a limited time', () => {
    const { AccessLogSettings, AutoDeploy } = stage().properties;
    expect(AutoDeploy).toBe(true);
    // As API Gateway fills it in: the error arrives quoted and escaped, the rest as it is.
    const filled = AccessLogSettings.Format.replace('$context.error.messageString', '"it said \\"no\\""');
    const format = JSON.parse(filled) as Record<string, string>;
    expect(format).toMatchObject({
      caller: '$context.identity.userArn',
      routeKey: '$context.routeKey',
      status: '$context.status',
      error: 'it said "no"',
    });
    const group = referred(template, 'AWS::Logs::LogGroup', AccessLogSettings.DestinationArn);
    expect(group.properties).toMatchObject({ RetentionInDays: 30 });
  });
});
