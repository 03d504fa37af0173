/**
 * The last requests that committed to a job or reserved an id of it. The write that carries out a request remembers it
 * and refuses its key when that came with another one, so that nothing is read or written for it. Rare requests keep
 * their keys elsewhere: `functions/platform/request-keys.ts`.
 */
import { assertNever } from '../../api/assert-never.ts';
import { anyOf, beginsWith, type Condition, equals, not } from '../../store/condition.ts';
import { keyReused, shortId } from '../../store/idempotency.ts';
import { ifAbsent, set, type Update } from '../../store/update.ts';
import type { Asked, Job } from './job.ts';

/**
 * The newest first; with two of them the largest record that keeps three checkpoints is below 2 KB. Attributes of their
 * own: a list would have to be there before a slot of it is set.
 */
const askedSlots = ['a0', 'a1'] as const;

const written = ({ kind, id }: Asked) => `${id}${kind}`;

/** The last requests as the record has them. */
export function askedOf(slots: readonly (string | undefined)[]): Asked[] {
  return slots.flatMap((text) => {
    const kind = text?.at(-1);
    return text !== undefined && (kind === 'c' || kind === 'r') ? { kind, id: text.slice(0, -1) } : [];
  });
}

export const storedAsked = (asked: readonly Asked[] = []) =>
  Object.fromEntries(askedSlots.map((slot, at) => [slot, asked[at] && written(asked[at])]));

/** A request's change and condition: it takes the place of the oldest, and its key must be free. */
export function rememberAsked(kind: Asked['kind'], requestId: string) {
  const { key, id } = shortId(requestId);
  const text = written({ kind, id });
  const older = askedSlots.slice(1).flatMap((slot, at) => set(slot, ifAbsent(askedSlots[at] as string, '')));
  const changes: Update = [...older, ...set(askedSlots[0], text)];
  const conditions = askedSlots.map((slot) => anyOf(not(beginsWith(slot, key)), equals(slot, text)));
  return { changes, conditions };
}

/** That the key is free for a request which the job remembers elsewhere. */
export const keyIsFree = (requestId: string): Condition[] =>
  askedSlots.map((slot) => not(beginsWith(slot, shortId(requestId).key)));

/** @throws idempotency_key_reused */
export function refuseAsked(job: Job, requestId: string): void {
  const { key, id } = shortId(requestId);
  const earlier = job.asked?.find((asked) => asked.id.startsWith(key) && asked.id !== id);
  if (earlier) throw keyReused(operationOf(job, earlier));
}

function operationOf({ group, jobId }: Job, { kind }: Asked): string {
  const path = `POST /v1/groups/${group}/jobs/${jobId}/checkpoints`;
  switch (kind) {
    case 'c':
      return path;
    case 'r':
      return `${path}/reserve`;
    default:
      return assertNever(kind);
  }
}
