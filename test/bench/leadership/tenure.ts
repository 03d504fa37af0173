import { LeaderElector } from '../../../client/leadership/elector.ts';
import { TenureClient } from '../../../client/tenure-client.ts';
import { contendRoutes, leaseRoutes, observeRoutes } from '../../../functions/leadership/routes.ts';
import { serve } from '../../../functions/platform/http.ts';
import { contend } from '../../../leadership/contend.ts';
import { confirm, renew, resign } from '../../../leadership/leadership.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { systemClock } from '../../../store/clock.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';
import { quietly } from '../quietly.ts';
import { crash, Gate, type Locks, leaseMs, renewEveryMs } from './locks.ts';

/**
 * The functions' own rooms on a table of their own, in this process, and electors that reach them without a network
 * between.
 */
export async function tenure(wire: string, dynamodb: string): Promise<Locks> {
  const store = leaseTable(localDocuments(wire), await createMainTable(dynamodb));
  const leadership = { store, clock: systemClock, maxClockSkewMs: 250 };
  const app = serve([...contendRoutes(leadership), ...leaseRoutes(leadership), ...observeRoutes(leadership)]);
  const group = 'steps';
  const published = { address: 'https://10.0.0.1:8080', metadata: undefined };
  return {
    name: `Tenure ${packageJson.version}`,
    async steps() {
      // The first term of a group makes its record; what follows is what happens every day.
      let term = await contend(leadership, group, { contenderId: 'first', leaseMs }, 'request-1');
      await resign(leadership, group, term, {}, 'request-2');
      return {
        'acquire a free lock': async () => {
          term = await contend(leadership, group, { contenderId: 'second', leaseMs: 60_000 }, 'request-3');
        },
        confirm: () => confirm(leadership, group, term, published),
        renew: () => renew(leadership, group, term, published),
        observe: () => store.read(group, false),
        release: () => resign(leadership, group, term, {}, 'request-4'),
      };
    },
    contend(inGroup, contenderId) {
      const gate = new Gate();
      const client = new TenureClient({
        url: 'http://in-process',
        fetch: (url, init) => gate.through(() => quietly(async () => app.request(String(url), init))),
      });
      let elector: LeaderElector | undefined;
      const leads = new Promise<void>((resolve) => {
        const { address } = published;
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
