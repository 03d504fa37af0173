import type { Deployment } from '../cloudformation/assembly/deployment.ts';

export interface Route {
  /** As in the template and in events, for instance `POST /v1/groups/{group}`. */
  key: string;
  method: string;
  segments: string[];
  /** Name of the function behind the route. */
  functionName: string;
  authorization: string;
  timeoutMs: number;
}

export interface Match {
  route: Route;
  pathParameters: Record<string, string>;
}

interface RouteProperties {
  RouteKey: string;
  Target?: string;
  AuthorizationType?: string;
}

interface IntegrationProperties {
  IntegrationUri: string;
  IntegrationType: string;
  PayloadFormatVersion?: string;
  TimeoutInMillis?: number;
}

const longestMs = 30_000;

/**
 * Every route of the template's HTTP APIs. Throws for an integration other than a Lambda proxy with payload format 2.0.
 */
export function routesOf(deployment: Deployment): Route[] {
  const integrations = deployment.resources('AWS::ApiGatewayV2::Integration');
  return deployment.resources('AWS::ApiGatewayV2::Route').map((resource) => {
    const { RouteKey, Target = '', AuthorizationType = 'NONE' } = deployment.properties<RouteProperties>(resource);
    const reference = Target.replace('integrations/', '');
    const integration = integrations.find((candidate) => deployment.reference(candidate) === reference);
    if (!integration) throw new Error(`${resource.path}: the route ${RouteKey} has no integration ${reference}`);
    const { IntegrationType, IntegrationUri, PayloadFormatVersion, TimeoutInMillis } =
      deployment.properties<IntegrationProperties>(integration);
    if (IntegrationType !== 'AWS_PROXY' || PayloadFormatVersion !== '2.0') {
      throw new Error(
        `${integration.path}: ${IntegrationType} with payload format ${PayloadFormatVersion} does not run locally, AWS_PROXY with 2.0 does`,
      );
    }
    const { method, segments } = parsed(RouteKey);
    const functionName = functionIn(IntegrationUri);
    const timeoutMs = Math.min(TimeoutInMillis ?? longestMs, longestMs);
    return { key: RouteKey, method, segments, functionName, authorization: AuthorizationType, timeoutMs };
  });
}

/** Picks as API Gateway does: the most specific path first, then the exact method before ANY, `$default` last. */
export function matchRoute(routes: Route[], method: string, path: string): Match | undefined {
  const parts = split(path);
  const fitting = routes
    .filter((route) => route.method === method || route.method === 'ANY')
    .flatMap((route) => {
      const pathParameters = route.key === '$default' ? {} : parametersOf(route.segments, parts);
      return pathParameters ? [{ route, pathParameters }] : [];
    });
  return fitting.sort((left, right) => rank(right.route).localeCompare(rank(left.route)))[0];
}

function parsed(key: string): { method: string; segments: string[] } {
  if (key === '$default') return { method: 'ANY', segments: [] };
  const [method = '', path = ''] = key.split(' ');
  return { method, segments: split(path) };
}

function split(path: string): string[] {
  return path.split('/').slice(1);
}

function parametersOf(segments: string[], parts: string[]): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const name = /^\{(.+?)(\+?)\}$/.exec(segment);
    const part = parts[index];
    if (part === undefined) return undefined;
    if (name?.[1] && name[2]) {
      parameters[name[1]] = parts.slice(index).join('/');
      return parameters;
    }
    if (name?.[1] && part === '') return undefined;
    if (name?.[1]) parameters[name[1]] = part;
    else if (segment !== part) return undefined;
  }
  return segments.length === parts.length ? parameters : undefined;
}

/** One letter per segment, later letters before earlier ones. */
function rank({ key, method, segments }: Route): string {
  if (key === '$default') return '';
  const letters = segments.map((segment) => (segment.endsWith('+}') ? 'a' : segment.startsWith('{') ? 'b' : 'c'));
  return `${letters.join('')}${method === 'ANY' ? '' : '0'}`;
}

function functionIn(uri: string): string {
  const arn = /functions\/(arn:[^/]+)\/invocations/.exec(uri)?.[1] ?? uri;
  return arn;
}
