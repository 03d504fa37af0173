/** The same protocol over two stores, the one in memory and DynamoDB, each with the faults of its own kind. */
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Fence } from '../../../api/fence.ts';
import { ProblemError } from '../../../api/problem.ts';
import type { GroupStore } from '../../../leadership/group-table.ts';
import { groupKey } from '../../../leadership/keys.ts';
import type { Leadership } from '../../../leadership/leadership.ts';
import type { LeaseStore } from '../../../leadership/lease-store.ts';
import { expireTerm } from '../../../leadership/lease-writes.ts';
import { ItemTable } from '../../../store/item-table.ts';
import { createWitness, type Witness } from '../../simulation/leadership/witness.ts';
import { CrashedError, type Fault, injectFaults } from '../../support/faults.ts';
import { leaseStores } from '../../support/lease-stores.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';
import { type MemoryLeaseStore, memoryLeaseStore } from '../../support/memory-lease-store.ts';
import { changeItem } from './tamper.ts';

export type Store = LeaseStore & GroupStore;

/** A fault of the first request of that kind that a call sends. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly of: 'request' | 'update' | 'transaction';
}

export interface ModelClock {
  time: number;
  now(): number;
}

/** One of the two worlds. Both see the same commands, and must answer and leave the same. */
export interface ModelWorld {
  readonly room: Leadership & { readonly store: Store };
  /** The fence that each process knows, by its name. */
  readonly fences: Map<string, Fence>;
  /** Checks the invariants 1 and 2 in one world: they then hold in the other, which is the same. */
  readonly witness?: Witness;
  /** Every call that was made, to be made again as a late duplicate. */
  readonly sent: (() => Promise<unknown>)[];
  tamper: MemoryLeaseStore['tamper'] | ((...given: Parameters<MemoryLeaseStore['tamper']>) => Promise<void>);
  items(group: string): Promise<object[]>;
  plan(fault: PlannedFault | undefined): void;
  /** Session ids are random: each is called by the order in which it was first seen. */
  readonly sessions: Map<string, string>;
}

export const maxClockSkewMs = 250;
const transactions = new Set<PropertyKey>(['create', 'confirm', 'close']);
const updates = new Set<PropertyKey>(['grant', 'renew', 'restoreHolder', 'resign', 'revoke']);
/** A term that was never confirmed has no item of its own: it expires by one update. */
const expiresByUpdate = (given: unknown[]) => expireTerm(...(given as Parameters<typeof expireTerm>)).length === 1;

/** Of reads nothing. */
function kindOf(method: PropertyKey, given: unknown[]): 'update' | 'transaction' | undefined {
  if (method === 'expire') return expiresByUpdate(given) ? 'update' : 'transaction';
  return updates.has(method) ? 'update' : transactions.has(method) ? 'transaction' : undefined;
}
const commands = { request: undefined, update: 'UpdateItemCommand', transaction: 'TransactWriteItemsCommand' };

export function memoryWorld(clock: ModelClock, groups: readonly string[]): ModelWorld {
  const memory = memoryLeaseStore();
  const witness = createWitness({ store: memory, groups, clock, clocksWithinAllowance: false });
  let planned: PlannedFault | undefined;
  let crashed = false;
  const crash = () => {
    crashed = true;
    return new CrashedError('The process ended here');
  };
  const faulty = new Proxy(memory, {
    get:
      (_, name) =>
      async (...given: unknown[]) => {
        const act = () => (memory[name as keyof Store] as (...given: unknown[]) => Promise<unknown>)(...given);
        if (crashed) throw new CrashedError('The process has ended');
        const kind = kindOf(name, given);
        const fault = planned?.of === 'request' || planned?.of === kind ? planned?.fault : undefined;
        if (fault) planned = undefined;
        if (fault === 'crash before') throw crash();
        const answer = (await act()) as object | boolean | undefined;
        const refused = answer === false || (typeof answer === 'object' && 'lost' in answer);
        if (refused) return answer;
        if (fault === 'crash after') throw crash();
        const twice = fault === 'answer lost' || fault === 'duplicate';
        return twice && kind !== 'transaction' ? act() : answer;
      },
  });
  return {
    ...newWorld(faulty, clock),
    witness,
    tamper: memory.tamper,
    items: async (group) => memory.items(group),
    plan(fault) {
      planned = fault;
      crashed = false;
    },
  };
}

export async function dynamoWorld(endpoint: string, clock: ModelClock): Promise<ModelWorld> {
  const client = localDocuments(endpoint);
  const other = localDocuments(endpoint);
  const faults = injectFaults(client);
  const table = await createMainTable(endpoint);
  return {
    ...newWorld(leaseStores(new ItemTable(client, table)), clock),
    tamper: (group, edit) => changeItem(other, table, group, edit),
    async items(group) {
      const { Items = [] } = await other.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': groupKey(group) },
          ConsistentRead: true,
        }),
      );
      return Items;
    },
    plan(planned) {
      faults.revive();
      faults.plan = () => undefined;
      if (planned) faults.once(planned.fault, commands[planned.of]);
    },
  };
}

const newWorld = (store: Store, clock: ModelClock) => ({
  room: { store, clock, maxClockSkewMs, random: () => 0 },
  fences: new Map<string, Fence>(),
  sent: [],
  sessions: new Map<string, string>(),
});

/** The outcome of a call, in words that are the same in both worlds. */
export async function outcomeOf(world: ModelWorld, call: () => Promise<unknown>): Promise<unknown> {
  const outcome = await call().then(
    (answer) => ({ answer }),
    (error: unknown) => {
      if (error instanceof ProblemError) return { problem: error };
      if (error instanceof CrashedError) return 'the process ended';
      throw error;
    },
  );
  return comparable(world, outcome);
}

export function comparable({ sessions }: ModelWorld, value: unknown): unknown {
  const text = (JSON.stringify(value) ?? 'null').replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, (session) => {
    if (!sessions.has(session)) sessions.set(session, `session ${sessions.size + 1}`);
    return sessions.get(session) as string;
  });
  return JSON.parse(text);
}
