import { DynamoDBDocument } from '@aws-sdk/lib-dynamodb';
import { localDynamoDb } from '../../support/main-table.ts';
import { peerPackage } from '../peers.ts';
import { createLockTable } from './lock-table.ts';
import { Gate, type Locks, leaseMs, renewEveryMs } from './locks.ts';

type Call = (input: never) => Promise<unknown>;

interface Documents {
  get: Call;
  put: Call;
  update: Call;
  delete: Call;
}

interface Client {
  lock(group: string, id: string, options: object): Promise<object>;
  releaseLock(lock: object): Promise<void>;
}

interface Package {
  dynamoDBLockClientFactory(documents: Documents, table: object): Client;
}

/** `@deliveryhero/dynamodb-lock` in its default settings, except for the lease. */
export async function deliveryHero(wire: string, dynamodb: string): Promise<Locks> {
  const { loaded, version } = peerPackage('@deliveryhero/dynamodb-lock');
  const { dynamoDBLockClientFactory: clientOf } = loaded as Package;
  const documents: Documents = DynamoDBDocument.from(localDynamoDb(wire), {
    marshallOptions: { removeUndefinedValues: true },
  });
  const tableName = await createLockTable(dynamodb, 'lockId', 'lockGroup');
  const options = { leaseDurationInMs: leaseMs, prolongEveryMs: renewEveryMs };
  return {
    name: version,
    async steps() {
      const gate = new Gate();
      const client = clientOf(gatedClient(documents, gate), { tableName });
      let lock: object;
      return {
        'acquire a free lock': async () => {
          lock = await client.lock('steps', 'steps', options);
        },
        renew: () => gate.next(),
        release: () => client.releaseLock(lock),
      };
    },
    contend(group) {
      const gate = new Gate();
      const leads = clientOf(gatedClient(documents, gate), { tableName }).lock(group, group, options);
      return { leads, renewed: () => gate.next(), crash: () => gate.close() };
    },
  };
}

function gatedClient(documents: Documents, gate: Gate): Documents {
  const gated = (call: keyof Documents) => (input: never) => gate.through(() => documents[call](input));
  return { get: gated('get'), put: gated('put'), update: gated('update'), delete: gated('delete') };
}
