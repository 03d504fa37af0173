/**
 * In a bundle in the place of @aws-sdk/middleware-endpoint-discovery: no request of DynamoDB's client looks for another
 * endpoint, and the cache that it would keep them in comes with packages of its own.
 */
export const resolveEndpointDiscoveryConfig = <Config>(config: Config): Config => config;

export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {
  environmentVariableSelector: () => undefined,
  configFileSelector: () => undefined,
  default: undefined,
};
