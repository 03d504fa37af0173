/**
 * Invariants of every write of a leadership record, by the names of docs/design/leadership.md. `ofWrite` looks at the
 * write as a value, before it is sent; `ofChange` at the record before and after, where both are known: in memory and
 * in simulations.
 */
import type { Condition } from '../store/condition.ts';
import { type Invariant, requireInvariants } from '../store/invariants.ts';
import { type Item, type Path, segments } from '../store/item.ts';
import type { Source, Update } from '../store/update.ts';
import type { Effect, Write } from '../store/write.ts';

interface LeaseInvariant {
  readonly name: `L${number}`;
  readonly title: string;
  readonly ofWrite?: (write: Write) => boolean;
  readonly ofChange?: (before: Item, after: Item) => boolean;
}

const leaseInvariants: readonly LeaseInvariant[] = [
  {
    name: 'L1',
    title: 'a fencing version only rises, one at a time, and has one holder',
    ofWrite: (write) => {
      if (write.kind === 'check') return true;
      if (write.kind === 'delete') return false;
      if (write.kind === 'put') return demands(write.condition, (part) => isAbsent(part, 'fencingVersion'));
      const version = setTo(write.update, 'fencingVersion');
      if (removes(write.update, 'fencingVersion') || (version && !isOneMore(version))) return false;
      return !setTo(write.update, 'holder') || version !== undefined || pins(write.condition, 'fencingVersion');
    },
    ofChange: (before, after) => {
      const [was, is] = [before['fencingVersion'], after['fencingVersion']];
      if (typeof was !== 'number') return true;
      return is === was || (is === was + 1 && sessionOf(after) !== sessionOf(before));
    },
  },
  {
    name: 'L2',
    title: 'a grant is not confirmed: observers are shown a leader only after its own confirmation',
    ofWrite: (write) => {
      const holder = valueSet(write, 'holder') as Item | undefined;
      return holder?.['confirmedAt'] === undefined || pins(write.condition, 'fencingVersion');
    },
    ofChange: (before, after) => before['fencingVersion'] === after['fencingVersion'] || !isConfirmed(after),
  },
  {
    name: 'L4',
    title: 'a lease lasts from a moment to an hour, from the instant that is written with it',
    ofWrite: (write) => {
      const expiresAt = valueSet(write, 'expiresAt');
      const renewedAt = valueSet(write, 'renewedAt');
      if (expiresAt === undefined || renewedAt === undefined) return true;
      const lasts = Number(expiresAt) - Number(renewedAt);
      return lasts > 0 && lasts <= longestLeaseMs;
    },
  },
  {
    name: 'L5',
    title: 'a renewal extends a lease that runs, and never shortens it',
    ofWrite: (write) => {
      if (write.kind !== 'update' || setTo(write.update, 'fencingVersion')) return true;
      const extended = setTo(write.update, 'expiresAt');
      if (!extended) return true;
      const { condition } = write;
      const runs = demands(condition, (part) => compares(part, 'expiresAt', '>'));
      const later = demands(condition, (part) => compares(part, 'expiresAt', '<=') || mentions(part, 'renewedAt'));
      return runs && later;
    },
    ofChange: (before, after) => {
      // Without the instant of the last renewal, which only damage removes, a late one cannot be distinguished from a
      // new one.
      const sameTerm = before['renewedAt'] !== undefined && sessionOf(before) === sessionOf(after);
      const [was, is] = [before['expiresAt'], after['expiresAt']];
      return !sameTerm || typeof was !== 'number' || typeof is !== 'number' || is >= was;
    },
  },
  {
    name: 'L6',
    title: 'a term that has ended never resumes',
    ofWrite: (write) => {
      if (write.kind !== 'update' || !setTo(write.update, 'holder') || setTo(write.update, 'fencingVersion'))
        return true;
      const { condition } = write;
      const owned = pins(condition, 'holder.sessionId') || demands(condition, (part) => isAbsent(part, 'ended'));
      return owned && demands(condition, (part) => compares(part, 'expiresAt', '>'));
    },
    ofChange: (before, after) =>
      before['ended'] === undefined ||
      before['holder'] !== undefined ||
      before['fencingVersion'] !== after['fencingVersion'] ||
      after['holder'] === undefined,
  },
];

const isLeadershipRecord = ({ key }: { readonly key: Write['key'] }) => key.sk === 'LEADERSHIP';

const writeInvariants = leaseInvariants.flatMap(({ name, title, ofWrite }): Invariant<Write>[] =>
  ofWrite ? [{ name, title, holds: ofWrite }] : [],
);

const changeInvariants = leaseInvariants.flatMap(({ name, title, ofChange }): Invariant<Effect>[] =>
  ofChange ? [{ name, title, holds: ({ before, after }) => !before || (!!after && ofChange(before, after)) }] : [],
);

/** @throws InvariantViolationError for writes that must not be sent. */
export function checkWrites(writes: readonly Write[]): void {
  for (const write of writes.filter(isLeadershipRecord))
    requireInvariants(writeInvariants, write, `A write of ${write.key.pk}`);
}

/** @throws InvariantViolationError for a change that must not take place. */
export function checkChange(effect: Effect): void {
  if (isLeadershipRecord(effect)) requireInvariants(changeInvariants, effect, `A change of ${effect.key.pk}`);
}

const longestLeaseMs = 3_600_000;

/** `fencingVersion + 1`, whatever it is. */
const isOneMore = (source: Source) =>
  source.kind === 'plus' &&
  source.left.kind === 'attribute' &&
  isAt(source.left.path, 'fencingVersion') &&
  source.right.kind === 'value' &&
  source.right.value === 1;

const isAt = (path: Path, name: string) => (typeof path === 'string' ? path : segments(path).join('.')) === name;

function setTo(update: Update, path: string): Source | undefined {
  for (const change of update) if (change.kind === 'set' && isAt(change.path, path)) return change.to;
  return undefined;
}

const removes = (update: Update, path: string) =>
  update.some((change) => change.kind === 'remove' && isAt(change.path, path));

/** The value that a write sets an attribute to as a whole; undefined where that depends on the item. */
function valueSet(write: Write, path: string): unknown {
  if (write.kind === 'put') return write.item[path];
  const source = write.kind === 'update' ? setTo(write.update, path) : undefined;
  return source?.kind === 'value' ? source.value : undefined;
}

/** Whether the condition cannot hold unless a part like this holds. */
function demands(condition: Condition | undefined, like: (part: Condition) => boolean): boolean {
  if (!condition) return false;
  return like(condition) || (condition.kind === 'all' && condition.of.some((part) => demands(part, like)));
}

const isAbsent = (part: Condition, path: string) => part.kind === 'absent' && isAt(part.path, path);

const compares = (part: Condition, path: string, is: string) =>
  part.kind === 'compare' && part.left.kind === 'attribute' && isAt(part.left.path, path) && part.is === is;

const pins = (condition: Condition | undefined, path: string) =>
  demands(condition, (part) => compares(part, path, '='));

const mentions = (part: Condition, path: string): boolean =>
  part.kind === 'any' && part.of.some((option) => compares(option, path, '<='));

const sessionOf = (item: Item): unknown => (item['holder'] as Item | undefined)?.['sessionId'];

const isConfirmed = (item: Item): boolean => (item['holder'] as Item | undefined)?.['confirmedAt'] !== undefined;
