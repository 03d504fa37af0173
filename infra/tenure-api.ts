import { Aws, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogField, AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  type CfnRoute,
  type CfnStage,
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { catalogue } from '../api/catalogue.ts';
import type { Operation, ServingFunction } from '../api/operation.ts';
import { pollCommands } from '../api/operations/workers.ts';
import type { Settings } from './settings.ts';
import type { TenureFunction } from './tenure-function.ts';

interface Throttle {
  /** Requests per second that a route takes for long. */
  rate: number;
  /** Requests that it takes at once. */
  burst: number;
}

/** By function. What contenders may ask for stays below what leaders may, so that they cannot use up the account's share. */
const throttles: Partial<Record<ServingFunction, Throttle>> = {
  lease: { rate: 2_000, burst: 2_000 },
  contend: { rate: 200, burst: 400 },
};
/** A poll may hold an instance for 20 s: no worker's polls may take the concurrency that leaders renew with. */
const pollThrottle: Throttle = { rate: 20, burst: 40 };
const otherThrottle: Throttle = { rate: 500, burst: 1_000 };
const fallbackThrottle: Throttle = { rate: 10, burst: 20 };

export interface TenureApiProps {
  settings: Settings;
  /** Operations name in `servedBy` one of these. */
  serving: Readonly<Record<ServingFunction, TenureFunction>>;
  /** Answers whatever no route takes. */
  fallback: TenureFunction;
}

/** The HTTP API: a route for each operation of the catalogue, all for signed requests only. */
export class TenureApi extends Construct {
  /** Without a slash at the end. */
  readonly url: string;
  readonly http: HttpApi;

  constructor(scope: Construct, id: string, { settings, serving, fallback }: TenureApiProps) {
    super(scope, id);
    this.http = new HttpApi(this, 'Http', { apiName: Stack.of(this).stackName, createDefaultStage: false });
    this.url = this.http.apiEndpoint;
    const limits = new Map<HttpRoute, Throttle>();

    // One permission per function, since one per route would outgrow the function's policy.
    const integration = (name: string, served: TenureFunction) =>
      new HttpLambdaIntegration(name, served, { scopePermissionToRoute: false });
    const integrations = mapValues(serving, integration);
    for (const operation of Object.values<Operation>(catalogue)) {
      const key = HttpRouteKey.with(operation.path, HttpMethod[operation.method]);
      const route = this.route(key, integrations[operation.servedBy]);
      const throttle = operation === pollCommands ? pollThrottle : throttles[operation.servedBy];
      if (throttle) limits.set(route, throttle);
    }
    const rest = new HttpLambdaIntegration('rest', fallback);
    limits.set(this.route(HttpRouteKey.DEFAULT, rest), fallbackThrottle);
    this.createStage(settings, limits);
  }

  /** Its id comes from its key, so that a route that is renamed is another resource: the old one goes after the new one came. */
  private route(routeKey: HttpRouteKey, integration: HttpLambdaIntegration): HttpRoute {
    const id = routeKey.key.replaceAll('/', ' ');
    return new HttpRoute(this, id, { httpApi: this.http, routeKey, integration, authorizer: new HttpIamAuthorizer() });
  }

  /**
   * API Gateway refuses settings for a route that it does not have, and an update that removes both would fail for ever. So only those
   * routes have settings of their own that differ from the stage's.
   */
  private createStage(settings: Settings, limits: Map<HttpRoute, Throttle>): void {
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.http,
      autoDeploy: true,
      throttle: { rateLimit: otherThrottle.rate, burstLimit: otherThrottle.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLogs(settings)),
        format: accessLogFormat,
      },
    });
    const resource = stage.node.defaultChild as CfnStage;
    resource.routeSettings = Object.fromEntries(
      [...limits].map(([route, { rate, burst }]) => [
        (route.node.defaultChild as CfnRoute).routeKey,
        { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst },
      ]),
    );
    resource.node.addDependency(...limits.keys());
  }

  /** The prefix keeps API Gateway from adding each of these groups to a policy that the whole account shares. */
  private accessLogs({ logRetentionDays, ephemeral }: Settings): LogGroup {
    const stackInstance = Fn.select(2, Fn.split('/', Aws.STACK_ID));
    return new LogGroup(this, 'AccessLogs', {
      logGroupName: `/aws/vendedlogs/${Aws.STACK_NAME}-${stackInstance}`,
      retention: logRetentionDays,
      removalPolicy: ephemeral ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
  }
}

const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    requestId: AccessLogField.contextRequestId(),
    time: AccessLogField.contextRequestTime(),
    caller: AccessLogField.contextIdentityUserArn(),
    sourceIp: AccessLogField.contextIdentitySourceIp(),
    userAgent: AccessLogField.contextIdentityUserAgent(),
    routeKey: AccessLogField.contextRouteKey(),
    path: AccessLogField.contextPath(),
    status: AccessLogField.contextStatus(),
    responseLength: AccessLogField.contextResponseLength(),
    responseLatency: AccessLogField.contextResponseLatency(),
    integrationError: AccessLogField.contextIntegrationErrorMessage(),
    error: AccessLogField.contextErrorMessage(),
  }),
);

function mapValues<Key extends string, From, To>(
  given: Readonly<Record<Key, From>>,
  map: (key: Key, value: From) => To,
): Record<Key, To> {
  const entries = (Object.keys(given) as Key[]).map((key) => [key, map(key, given[key])]);
  return Object.fromEntries(entries) as Record<Key, To>;
}
