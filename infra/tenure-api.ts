import { Aws, Fn, Stack } from 'aws-cdk-lib';
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
import { removalPolicyOf } from './retention.ts';
import type { Settings, Throttle } from './settings.ts';
import type { TenureFunction } from './tenure-function.ts';

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
      const throttle = throttleOf(operation, settings);
      if (throttle) limits.set(route, throttle);
    }
    const rest = new HttpLambdaIntegration('rest', fallback);
    limits.set(this.route(HttpRouteKey.DEFAULT, rest), settings.throttles.unknown);
    this.createStage(settings, limits);
  }

  /**
   * Its id comes from its key, so that a route that is renamed is another resource: the old one goes after the new one
   * came.
   */
  private route(routeKey: HttpRouteKey, integration: HttpLambdaIntegration): HttpRoute {
    const id = routeKey.key.replaceAll('/', ' ');
    return new HttpRoute(this, id, { httpApi: this.http, routeKey, integration, authorizer: new HttpIamAuthorizer() });
  }

  /**
   * API Gateway refuses settings for a route that it does not have, and an update that removes both would fail for
   * ever. So only those routes have settings of their own that differ from the stage's.
   */
  private createStage(settings: Settings, limits: Map<HttpRoute, Throttle>): void {
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.http,
      autoDeploy: true,
      throttle: { rateLimit: settings.throttles.other.rate, burstLimit: settings.throttles.other.burst },
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
  private accessLogs(settings: Settings): LogGroup {
    const stackInstance = Fn.select(2, Fn.split('/', Aws.STACK_ID));
    return new LogGroup(this, 'AccessLogs', {
      logGroupName: `/aws/vendedlogs/${Aws.STACK_NAME}-${stackInstance}`,
      retention: settings.logRetentionDays,
      removalPolicy: removalPolicyOf(settings),
    });
  }
}

/** Undefined for a route that shares the stage's. */
function throttleOf(operation: Operation, { throttles }: Settings): Throttle | undefined {
  if (operation === pollCommands) return throttles.polls;
  if (operation.servedBy === 'lease' || operation.servedBy === 'observe') return throttles.lease;
  return operation.servedBy === 'contend' ? throttles.contend : undefined;
}

/** API Gateway puts each value in as it is; only the quoted form of an error's message escapes what stands in it. */
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
    integrationStatus: AccessLogField.contextIntegrationStatus(),
    functionStatus: '$context.integration.status',
    error: AccessLogField.contextErrorMessageString(),
  }).replace('"$context.error.messageString"', '$context.error.messageString'),
);

function mapValues<Key extends string, From, To>(
  given: Readonly<Record<Key, From>>,
  map: (key: Key, value: From) => To,
): Record<Key, To> {
  const entries = (Object.keys(given) as Key[]).map((key) => [key, map(key, given[key])]);
  return Object.fromEntries(entries) as Record<Key, To>;
}
