/** The contract of a replica: the acceptor's rules, one by one. Run against memory and against a table. */
import type { Make } from '../../support/log/replica-requests.ts';
import { learningContract } from './replica/learning.ts';
import { lifeContract } from './replica/life.ts';
import { lockingContract } from './replica/locking.ts';
import { promisesContract } from './replica/promises.ts';
import { rangesContract } from './replica/ranges.ts';
import { stagingContract } from './replica/staging.ts';

export function replicaContract(make: Make): void {
  lifeContract(make);
  promisesContract(make);
  stagingContract(make);
  learningContract(make);
  lockingContract(make);
  rangesContract(make);
}
