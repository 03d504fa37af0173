import * as schema from '../../../api/operations/backups.ts';
import { notFound, ProblemError } from '../../../api/problem.ts';
import type { Clock } from '../../../store/clock.ts';
import { type Endpoint, endpoint } from '../../platform/http.ts';
import { type Allowing, refuseForbiddenTarget } from '../target.ts';
import { newestSlot } from './policy.ts';
import type { PolicyStore } from './policy-store.ts';

export interface Policies {
  readonly policies: PolicyStore;
  readonly clock: Clock;
  readonly settings: Allowing;
}

export function policyRoutes({ policies, clock, settings }: Policies): Endpoint[] {
  return [
    endpoint(schema.putBackupPolicy, async ({ params: { group }, body: policy }) => {
      refuseForbiddenTarget(settings, policy);
      const there = await policies.read(group);
      // The slots before it was asked for are none that were missed; asked for again it misses none.
      if (!there || JSON.stringify(sorted(there.policy)) !== JSON.stringify(sorted(policy))) {
        await policies.put({ group, policy, doneUntil: newestSlot(policy, clock.now()) });
      }
      return policy;
    }),
    endpoint(schema.getBackupPolicy, async ({ params: { group } }) => {
      const there = await policies.read(group);
      if (there) return there.policy;
      throw new ProblemError(notFound, `Group "${group}" has no backup policy; put one.`);
    }),
    endpoint(schema.deleteBackupPolicy, async ({ params: { group } }) => {
      await policies.remove(group);
      return {};
    }),
  ];
}

const sorted = (policy: object) => Object.entries(policy).sort(([one], [other]) => (one < other ? -1 : 1));
