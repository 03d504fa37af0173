import { randomUUID } from 'node:crypto';
import { peerPackage } from '../peers.ts';
import { createLockTable } from './lock-table.ts';
import { Gate, type Locks, leaseMs, renewEveryMs } from './locks.ts';

type Done<Answer = unknown> = (error: Error | undefined, answer: Answer) => void;

interface DocumentClient {
  get(params: object, done: Done): unknown;
  put(params: object, done: Done): unknown;
  delete(params: object, done: Done): unknown;
}

interface Lock {
  release(done: (error?: Error) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
}

interface LockClient {
  FailOpen: new (
    settings: object,
  ) => { acquireLock(id: string, done: (error: Error | undefined, lock: Lock) => void): void };
}

interface Sdk {
  DynamoDB: { DocumentClient: new (settings: object) => DocumentClient };
}

/** `dynamodb-lock-client` as its readme shows it: FailOpen with heartbeats, on the second version of the SDK. */
export async function lockClient(wire: string, dynamodb: string): Promise<Locks> {
  const { loaded, version } = peerPackage('dynamodb-lock-client');
  const { FailOpen } = loaded as LockClient;
  const { DocumentClient } = (peerPackage('aws-sdk').loaded as Sdk).DynamoDB;
  const documents = new DocumentClient({
    endpoint: wire,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const lockTable = await createLockTable(dynamodb, 'id');
  const acquire = (id: string, dynamodbOf: DocumentClient, heartbeatPeriodMs: number | undefined) => {
    const owner = randomUUID();
    const settings = { dynamodb: dynamodbOf, lockTable, partitionKey: 'id', owner, leaseDurationMs: leaseMs };
    const client = new FailOpen({ ...settings, heartbeatPeriodMs, retryCount: 1_000 });
    return new Promise<Lock>((resolve, reject) => {
      client.acquireLock(id, (error, lock) => {
        if (error) return reject(error);
        // A heartbeat that comes too late: another one has the lock, which is what is waited for.
        lock.on('error', () => {});
        resolve(lock);
      });
    });
  };
  const released = (lock: Lock) =>
    new Promise<void>((resolve, reject) => {
      lock.release((error) => (error ? reject(error) : resolve()));
    });
  return {
    name: version,
    async steps() {
      await released(await acquire('steps', documents, undefined));
      const gate = new Gate();
      let lock: Lock;
      return {
        'acquire a free lock': async () => {
          lock = await acquire('steps', gatedClient(documents, gate), renewEveryMs);
        },
        renew: () => gate.next(),
        release: () => released(lock),
      };
    },
    contend(group) {
      const gate = new Gate();
      const gated = gatedClient(documents, gate);
      const leads = acquire(group, gated, renewEveryMs);
      return { leads, renewed: () => gate.next(), crash: () => gate.close() };
    },
  };
}

function gatedClient(documents: DocumentClient, gate: Gate): DocumentClient {
  const gated = (call: 'get' | 'put' | 'delete') => (params: object, done: Done) =>
    void gate.through(
      () =>
        new Promise<void>((resolve) => {
          documents[call](params, (error, answer) => {
            resolve();
            done(error, answer);
          });
        }),
    );
  return { get: gated('get'), put: gated('put'), delete: gated('delete') };
}
