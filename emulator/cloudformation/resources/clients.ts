import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { localRegion } from '../assembly/read.ts';

export interface Endpoints {
  dynamodb: string;
  s3: string;
  stepFunctions: string;
}

export interface Clients {
  dynamodb: DynamoDBClient;
  streams: DynamoDBStreamsClient;
  s3: S3Client;
  stepFunctions: SFNClient;
}

/** Endpoints that already run and take the place of the embedded parts: one for all, or one each. */
export function givenEndpoints(environment: NodeJS.ProcessEnv): Partial<Endpoints> {
  const all = environment['AWS_ENDPOINT_URL'];
  const given = {
    dynamodb: environment['AWS_ENDPOINT_URL_DYNAMODB'] ?? all,
    s3: environment['AWS_ENDPOINT_URL_S3'] ?? all,
    stepFunctions: environment['AWS_ENDPOINT_URL_SFN'] ?? all,
  };
  return Object.fromEntries(Object.entries(given).filter(([, endpoint]) => endpoint)) as Partial<Endpoints>;
}

/** Region and credentials: those of the environment when something outside takes part, else the local ones. */
export function accessOf(environment: NodeJS.ProcessEnv) {
  const own = Object.keys(givenEndpoints(environment)).length > 0 ? environment : {};
  const sessionToken = own['AWS_SESSION_TOKEN'];
  return {
    region: own['AWS_REGION'] ?? localRegion,
    credentials: {
      accessKeyId: own['AWS_ACCESS_KEY_ID'] ?? 'local',
      secretAccessKey: own['AWS_SECRET_ACCESS_KEY'] ?? 'local',
      ...(sessionToken ? { sessionToken } : {}),
    },
  };
}

export function clientsFor(endpoints: Endpoints): Clients {
  const access = accessOf(process.env);
  return {
    dynamodb: new DynamoDBClient({ ...access, endpoint: endpoints.dynamodb }),
    streams: new DynamoDBStreamsClient({ ...access, endpoint: endpoints.dynamodb }),
    s3: new S3Client({ ...access, endpoint: endpoints.s3, forcePathStyle: true }),
    stepFunctions: new SFNClient({ ...access, endpoint: endpoints.stepFunctions }),
  };
}

export function closeClients(clients: Clients): void {
  for (const client of Object.values(clients)) client.destroy();
}
