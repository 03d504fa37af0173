/** Requests and expectations of the tests of a replica. */
import type { LearnedAction, Meta, Replica, Value } from '../../../log/protocol/replica.ts';

export const fresh = { incarnation: 'life-1', view: 'view-1' };
export const view = 'view-2';

export const data = (text: string): Value => ({
  type: 'APPEND',
  requests: [{ requestId: 'request', count: 1 }],
  entries: [new TextEncoder().encode(text)],
});
export const ballot = (number: number, by = `owner-${number}`) => ({ number, by });
/** A slot of so many entries. */
export const slot = (text: string, count: number): Value => ({
  type: 'APPEND',
  requests: [{ requestId: text, count }],
  entries: Array.from({ length: count }, (_, at) => new TextEncoder().encode(`${text}/${at}`)),
});
export const at = (position: number, value: Value = data(`${position}`)) => ({ position, value });
export const learned = (position: number, value: Value): LearnedAction => ({
  position,
  promised: 1,
  promisedBy: 'x',
  performed: 1,
  performedBy: 'x',
  learned: true,
  value,
});

/** Brings an untouched replica to vote, in view-2. */
export async function vote(replica: Replica): Promise<Meta> {
  const empty = await replica.create(fresh);
  await replica.transition(empty, { status: 'STARTING' });
  const starting = { incarnation: fresh.incarnation, status: 'STARTING' as const };
  return (await replica.transition(starting, { status: 'VOTING', view })).meta;
}

export const promise = (number: number, by?: string) => ({ ...ballot(number, by), view, forget: [] as string[] });
export const write = (number: number, position: number, value?: Value) => ({
  ...ballot(number),
  view,
  ...at(position, value),
});

export type Make = () => Promise<Replica>;

/** A replica that votes, in view-2. */
export async function voting(make: Make): Promise<Replica> {
  const replica = await make();
  await vote(replica);
  return replica;
}

export const actionAt = async (replica: Replica, position: number) =>
  (await replica.range(position, position)).actions[0];
