import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { requestTimeouts } from '../../store/request-timeouts.ts';
import { count } from './metrics.ts';
import { readSettings, wholeNumber } from './settings.ts';

/** Before it answers a page, S3 steps over each delete marker that lies before a live key. */
export const listTimeoutMs = 20_000;

const { TENURE_STORE_TRIES } = readSettings({ TENURE_STORE_TRIES: wholeNumber(1, 20, 3) });

/** Settings of every SDK client. */
export const patience = { maxAttempts: TENURE_STORE_TRIES, requestHandler: requestTimeouts };

/**
 * The time that a request waits for a free socket counts as connecting. A restore copies 128 payloads at once, and 64
 * parts of large ones.
 */
const sockets = { maxSockets: 256 };

/** A document client with explicit timeouts; its endpoint comes from AWS_ENDPOINT_URL_DYNAMODB when that is set. */
export function documentClient(region?: string, timeouts = requestTimeouts): DynamoDBDocumentClient {
  const options = { ...patience, requestHandler: timeouts, ...(region ? { region } : {}) };
  const client = countingRetries(new DynamoDBClient(options));
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** Path-style keeps one loopback address working for every bucket of the embedded stack. */
export function s3Client(): S3Client {
  const client = new S3Client({
    ...patience,
    requestHandler: { ...requestTimeouts, httpAgent: sockets, httpsAgent: sockets },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    // A backup is restored from a bucket in whatever Region it lies.
    followRegionRedirects: true,
    forcePathStyle: process.env['AWS_ENDPOINT_URL_S3'] !== undefined,
  });
  return countingRetries(client);
}

export function sfnClient(): SFNClient {
  return countingRetries(new SFNClient(patience));
}

export function lambdaClient(): LambdaClient {
  return countingRetries(new LambdaClient(patience));
}

interface Metadata {
  readonly $metadata?: { readonly attempts?: number };
}

interface AnyClient {
  // biome-ignore lint/suspicious/noExplicitAny: every SDK client types its stack by its own unions
  readonly middlewareStack: any;
}

/** Counts the tries that a request needed besides its first: what a store's throttling costs, before anything fails. */
export function countingRetries<Client extends AnyClient>(client: Client): Client {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const counting = (next: (args: any) => Promise<{ output: Metadata }>, { clientName = '' }) => {
    const retried = ({ $metadata: { attempts = 1 } = {} }: Metadata) => {
      if (attempts > 1) count('StoreRetries', { reason: clientName.replace(/Client$/, ''), value: attempts - 1 });
    };
    // biome-ignore lint/suspicious/noExplicitAny: as above
    return async (args: any) => {
      try {
        const answer = await next(args);
        retried(answer.output);
        return answer;
      } catch (error) {
        retried(error as Metadata);
        throw error;
      }
    };
  };
  client.middlewareStack.add(counting, { step: 'initialize', name: 'countingRetries' });
  return client;
}
