import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from '../cloudformation/assembly/deployment.ts';
import type { Resource } from '../cloudformation/assembly/read.ts';
import type { Access, Endpoints } from '../cloudformation/resources/clients.ts';
import type { HostedFunction } from './function.ts';

export interface FunctionProperties {
  Handler?: string;
  Runtime?: string;
  Timeout?: number;
  MemorySize?: number;
  Code?: { S3Key?: string };
  Environment?: { Variables?: Record<string, unknown> };
}

export interface Surroundings {
  endpoints: Endpoints;
  access: Access;
  /** Answers the other AWS calls: Lambda, EventBridge, SQS. */
  services: string;
  logFolder: string;
  /** Replaces the addresses of the API and of queues in AWS by the local ones. */
  localise(text: string): string;
}

/** The functions of the template that Node can run, with the environment that each would have in Lambda. */
export function functionsOf(deployment: Deployment, surroundings: Surroundings): HostedFunction[] {
  return deployment
    .resources('AWS::Lambda::Function')
    .filter((resource) => deployment.properties<FunctionProperties>(resource).Runtime?.startsWith('nodejs'))
    .flatMap((resource) => functionOf(deployment, surroundings, resource) ?? []);
}

function functionOf(deployment: Deployment, at: Surroundings, resource: Resource): HostedFunction | undefined {
  const {
    Handler = 'index.handler',
    Timeout = 3,
    MemorySize = 128,
    Code,
    Environment,
  } = deployment.properties<FunctionProperties>(resource);
  const folder = resource.stack.assets.get(Code?.S3Key ?? '');
  if (!folder) return undefined;
  const name = deployment.reference(resource);
  const variables = Object.entries(Environment?.Variables ?? {}).map(([key, value]) => [
    key,
    at.localise(String(value)),
  ]);
  return {
    name,
    arn: deployment.attribute(resource, 'Arn'),
    ...entryOf(resource, folder, Handler),
    timeoutMs: Timeout * 1_000,
    memoryMiB: MemorySize,
    logFile: join(at.logFolder, `${name}.log`),
    environment: {
      ...shortTimes,
      ...Object.fromEntries(variables),
      ...runtimeVariables(name, Handler, MemorySize, folder),
      ...awsVariables(at, name),
      ...passedThrough(process.env),
    },
  };
}

/** Polling costs nothing here, so a worker need not be slow to hear of its backup. */
const shortTimes = { TENURE_IDLE_POLL_MS: '500' };

/** A handler is named by its file without the ending, a dot, and the export. */
function entryOf({ path }: Resource, folder: string, handler: string): { file: string; exportName: string } {
  const dot = handler.lastIndexOf('.');
  const stem = join(folder, handler.slice(0, dot));
  const file = ['.mjs', '.js', '.cjs'].map((ending) => stem + ending).find((candidate) => existsSync(candidate));
  if (!file) throw new Error(`${path}: the bundle ${folder} has no file for the handler ${handler}`);
  return { file, exportName: handler.slice(dot + 1) };
}

/** Settings in the stack's own environment win over the template's, so that a test can use short times. */
function passedThrough(environment: NodeJS.ProcessEnv): Record<string, string> {
  const own = Object.entries(environment).filter(([key]) => /^(TENURE|POWERTOOLS)_/.test(key));
  return Object.fromEntries(own.map(([key, value]) => [key, String(value)]));
}

function runtimeVariables(name: string, handler: string, memory: number, folder: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    LANG: 'en_US.UTF-8',
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memory),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    LAMBDA_TASK_ROOT: folder,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    _HANDLER: handler,
  };
}

function awsVariables({ endpoints, services, access }: Surroundings, functionName: string): Record<string, string> {
  const { region, credentials } = access;
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    // A function's credentials are temporary ones in Lambda too; the token tells here whose request it is.
    AWS_SESSION_TOKEN: credentials.sessionToken ?? functionName,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_DYNAMODB_STREAMS: endpoints.dynamodb,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_SFN: endpoints.stepFunctions,
    // Whatever else a function calls must not leave this machine.
    AWS_ENDPOINT_URL: services,
    AWS_ENDPOINT_URL_LAMBDA: services,
    AWS_ENDPOINT_URL_EVENTBRIDGE: services,
    AWS_ENDPOINT_URL_SQS: services,
  };
}
