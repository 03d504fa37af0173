import { inject } from 'vitest';
import type { ProblemError } from '../../../api/problem.ts';
import { watchTable } from '../../../functions/leadership/watch-table.ts';
import { contend } from '../../../leadership/contend.ts';
import { groupTable } from '../../../leadership/group-table.ts';
import type { Leadership } from '../../../leadership/leadership.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { type Faults, injectFaults } from '../../support/faults.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';
import { movedClock } from '../../support/moved-clock.ts';

export const leaseMs = 10_000;
export const skewMs = 250;

/**
 * A leadership room on a table of its own, with a clock that tests move and a client that counts and fails on demand.
 */
export async function openRoom() {
  const endpoint = inject('dynamodb');
  const client = localDocuments(endpoint);
  const faults: Faults = injectFaults(client);
  const table = await createMainTable(endpoint);
  const clock = movedClock();
  const room: Leadership = { store: leaseTable(client, table), clock, maxClockSkewMs: skewMs, random: () => 0 };
  let requests = 0;
  return {
    room,
    clock,
    faults,
    table,
    groups: groupTable(client, table),
    watches: watchTable(client, table),
    /** Access to the table behind Tenure's back, not counted. */
    other: localDocuments(endpoint),
    contend(contenderId: string, requestId?: string, group = 'orders') {
      requests += 1;
      const instanceId = `instance-of-${contenderId}`;
      return contend(room, group, { contenderId, instanceId, leaseMs }, requestId ?? `request-${requests}`);
    },
  };
}

/** The refusal of a call. */
export async function problemOf(
  call: Promise<unknown>,
): Promise<{ code: string; members: Record<string, unknown>; detail: string }> {
  const problem = await call.then(
    (answer) => {
      throw new Error(`It succeeded: ${JSON.stringify(answer)}`);
    },
    (error: ProblemError) => error,
  );
  if (problem.name !== 'ProblemError') throw problem;
  return { code: problem.code, members: problem.members, detail: problem.detail };
}
