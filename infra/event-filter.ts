import { backupPrefix } from '../functions/backups/keys.ts';
import { jobPrefix } from '../functions/jobs/keys.ts';
import { leadershipKey } from '../leadership/keys.ts';
import { replicaPrefix } from '../log/dynamodb/keys.ts';

const key = (rule: unknown) => ({ sk: { S: [rule] } });
const confirmation = (exists: boolean) => ({ holder: { M: { confirmedAt: { N: [{ exists }] } } } });
const backup = (rule: unknown[]) => ({ record: { M: { state: { S: rule } } } });
const leadership = key(leadershipKey('').sk);
const final = ['COMPLETED', 'FAILED'];

/**
 * Which records of the main table's stream reach the function that makes events of them: those that fit one of these. A
 * pattern cannot compare an item with what it was, so of leadership passes where the confirmation appears and where it
 * goes: during a renewal it exists before and after. Heartbeats of backups and appends to logs do not pass either.
 * Lambda takes five.
 */
export const eventFilters = [
  { Keys: leadership, OldImage: confirmation(false), NewImage: confirmation(true) },
  { Keys: leadership, OldImage: confirmation(true), NewImage: confirmation(false) },
  { Keys: key({ prefix: jobPrefix }), NewImage: { state: { S: ['ACTIVE', 'FINISHED'] } } },
  { Keys: key({ prefix: backupPrefix }), OldImage: backup([{ 'anything-but': final }]), NewImage: backup(final) },
  { Keys: key({ prefix: replicaPrefix }) },
].map((dynamodb) => ({ dynamodb }));
