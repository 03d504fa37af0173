import { join } from 'node:path';
import { type Access, type Endpoints, givenEndpoints } from './cloudformation/resources/clients.ts';
import type { DataFolder } from './data-folder.ts';
import { startDynamoDbLocal } from './dynamodb/dynamodb.ts';
import { startFront } from './dynamodb/front.ts';
import { AccessDeniedError, type PermissionGuard } from './iam/guard.ts';
import { needsOfS3 } from './iam/needs.ts';
import type { FunctionHost } from './lambda/host.ts';
import type { Weather } from './like-aws/interference.ts';
import type { Part } from './parts.ts';
import { type Services, startServices } from './services.ts';
import { acceptedIn } from './step-functions/accepted-definitions.ts';

export interface BackendOptions {
  cache: string;
  folder: DataFolder;
  access: Access;
  /** Names that a Host header may have besides those of loopback. */
  hosts: readonly string[];
  /** Faults of the embedded services. */
  weather: Weather;
  /** Holds functions to their roles. */
  permissions: PermissionGuard | undefined;
}

/** The services of AWS that functions call, embedded or already running elsewhere. */
export interface Backends extends Part {
  endpoints: Endpoints;
  services: Services;
  /** Workflows wait for the functions that they invoke: an execution may continue before the functions run. */
  serve(functions: FunctionHost): void;
}

type Server = Part & { endpoint: string };

export async function startBackends(options: BackendOptions): Promise<Backends> {
  const given = givenEndpoints(process.env);
  let serve: (functions: FunctionHost) => void = () => {};
  const functions = new Promise<FunctionHost>((resolve) => {
    serve = resolve;
  });
  const [dynamodb, s3, stepFunctions, services] = await Promise.all([
    given.dynamodb ? elsewhere(given.dynamodb) : startDynamoDb(options),
    given.s3 ? elsewhere(given.s3) : startS3(options),
    given.stepFunctions ? elsewhere(given.stepFunctions) : startWorkflows(options, functions),
    startServices(options),
  ]);
  return {
    endpoints: { dynamodb: dynamodb.endpoint, s3: s3.endpoint, stepFunctions: stepFunctions.endpoint },
    services,
    serve,
    async stop() {
      await Promise.all([services.stop(), s3.stop(), stepFunctions.stop()]);
      await dynamodb.stop();
    },
  };
}

function elsewhere(endpoint: string): Server {
  return { endpoint, stop() {} };
}

async function startDynamoDb({ folder, hosts, weather, permissions }: BackendOptions): Promise<Server> {
  const database = await startDynamoDbLocal({
    hosts,
    ...(folder.ephemeral ? {} : { folder: join(folder.path, 'dynamodb') }),
  });
  if (!permissions) return database;
  const front = await startFront(database.endpoint, { hosts, interference: weather, permissions });
  return {
    endpoint: front.endpoint,
    async stop() {
      await front.stop();
      await database.stop();
    },
  };
}

async function startS3({ folder, hosts, weather, permissions, access }: BackendOptions): Promise<Server> {
  const [{ startS3Server }, { S3Error }] = await Promise.all([import('./s3/server.ts'), import('./s3/errors.ts')]);
  return startS3Server({
    folder: join(folder.path, 's3'),
    credentials: access.credentials,
    hosts,
    onRequest(request) {
      try {
        permissions?.require(request.sessionToken, needsOfS3(request));
      } catch (cause) {
        throw cause instanceof AccessDeniedError ? new S3Error('AccessDenied', cause.message) : cause;
      }
    },
    interfere({ sessionToken, bucket }) {
      const fault = sessionToken === undefined ? undefined : weather.next(bucket, 'none');
      return fault === 'conflict' ? undefined : fault;
    },
  });
}

async function startWorkflows(
  { cache, folder, hosts, weather, permissions }: BackendOptions,
  functions: Promise<FunctionHost>,
): Promise<Server> {
  const { startStepFunctions } = await import('./step-functions/server.ts');
  return startStepFunctions({
    folder: join(folder.path, 'step-functions'),
    hosts,
    permissions,
    throttled: () => weather.service() !== undefined,
    // A schema of the language is compiled for each that is not known.
    accepted: acceptedIn(join(cache, 'definitions')),
    async invoke(functionArn: string, payload: unknown) {
      const outcome = await (await functions).invoke(functionArn, JSON.stringify(payload));
      if ('payload' in outcome) return { payload: JSON.parse(outcome.payload) as unknown };
      return { error: { type: outcome.error.errorType, message: outcome.error.errorMessage } };
    },
  });
}
