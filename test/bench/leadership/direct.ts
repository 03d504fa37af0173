import { tableClient } from '../../../client/direct/table-client.ts';
import { LeaderElector } from '../../../client/leadership/elector.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { createMainTable, localDynamoDb } from '../../support/main-table.ts';
import { crash, Gate, type Locks, leaseMs, renewEveryMs } from './locks.ts';

/** Electors in direct mode: what is counted is all there is, no API and no function. */
export async function direct(wire: string, dynamodb: string): Promise<Locks> {
  const name = await createMainTable(dynamodb);
  const group = 'steps';
  const address = 'https://10.0.0.1:8080';
  return {
    name: `direct ${packageJson.version}`,
    async steps() {
      const client = tableClient({ table: { name, dynamodb: localDynamoDb(wire) } });
      // The first term of a group makes its record; what follows is what happens every day.
      let term = await client.contend(group, { contenderId: 'first', leaseMs });
      await client.resign(group, term);
      return {
        'acquire a free lock': async () => {
          term = await client.contend(group, { contenderId: 'second', leaseMs: 60_000 });
        },
        confirm: () => client.confirm(group, term, { address }),
        renew: () => client.renew(group, term, { address }),
        observe: () => client.observe(group),
        release: () => client.resign(group, term),
      };
    },
    contend(inGroup, contenderId) {
      const gate = new Gate();
      const dynamodbClient = localDynamoDb(wire);
      dynamodbClient.middlewareStack.add((next) => (args) => gate.through(() => next(args)), { step: 'initialize' });
      const client = tableClient({ table: { name, dynamodb: dynamodbClient } });
      let elector: LeaderElector | undefined;
      const leads = new Promise<void>((resolve) => {
        const onConfirmed = () => resolve();
        elector = new LeaderElector({
          client,
          group: inGroup,
          contenderId,
          address,
          leaseMs,
          renewEveryMs,
          onConfirmed,
        });
        elector.start();
      });
      return { leads, renewed: () => gate.next(), crash: () => crash(gate, elector) };
    },
  };
}
