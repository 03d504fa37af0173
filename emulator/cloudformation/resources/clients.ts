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

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface Access {
  region: string;
  credentials: Credentials;
}

/** Region and credentials: those of the environment when something outside takes part, else the stack's own. */
export function accessOf(environment: NodeJS.ProcessEnv, own: Credentials): Access {
  if (Object.keys(givenEndpoints(environment)).length === 0) return { region: localRegion, credentials: own };
  const {
    AWS_REGION: region = localRegion,
    AWS_ACCESS_KEY_ID: accessKeyId = 'local',
    AWS_SECRET_ACCESS_KEY: secretAccessKey = 'local',
    AWS_SESSION_TOKEN: sessionToken,
  } = environment;
  return { region, credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) } };
}

export function clientsFor(endpoints: Endpoints, access: Access): Clients {
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
