/**
 * A process that acts whenever it is the leader, and writes down everything: `node --import tsx contender.ts URL GROUP
 * ID`.
 */
import { LeaderElector, TenureClient } from '../../../client/index.ts';

const [url = '', group = '', contenderId = ''] = process.argv.slice(2);
const note = (what: string, fencingVersion: number, more: object = {}) =>
  console.log(JSON.stringify({ what, fencingVersion, contenderId, ...more }));

const client = new TenureClient({ url });
const elector = new LeaderElector({
  client,
  group,
  contenderId,
  address: 'here',
  leaseMs: 5_000,
  onGranted: ({ fencingVersion, sessionId }) => note('granted', fencingVersion, { sessionId }),
  onError: (error) => console.error(String(error)),
  onRevoked: ({ reason }, { fencingVersion }) => note('revoked', fencingVersion, { reason }),
});
elector.start();

let last = Date.now();
setInterval(() => {
  const now = Date.now();
  // The first thing that a thawed process does.
  if (now - last > 1_000) note('thawed', 0, { leads: elector.isLeader() });
  last = now;
  if (elector.term) note('acted', elector.term.fencingVersion);
}, 5);
