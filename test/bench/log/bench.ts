import { startDynamoDbLocal } from '../../../emulator/dynamodb/dynamodb.ts';
import { namesOf } from '../../../log/dynamodb/sequencer-item.ts';
import { append } from '../../../log/protocol/append.ts';
import { elect } from '../../../log/protocol/coordinator.ts';
import { ExclusiveSequencer } from '../../../log/protocol/exclusive-sequencer.ts';
import { initialize } from '../../../log/protocol/initialize.ts';
import type { LogParts } from '../../../log/protocol/log.ts';
import type { WriterMemory } from '../../../log/protocol/placement.ts';
import { recover } from '../../../log/protocol/recovery.ts';
import { logsWith, wipeTable } from '../../support/log/tables.ts';
import { atMost, type Bench, type Row } from '../bench.ts';
import { compare, interleaved } from '../samples.ts';
import { openWire, type Spent, type Wire } from '../wire.ts';
import { type Bare, bareLog } from './bare.ts';
import { before, curve } from './curve.ts';

const entryBytes = 800;
const batch = 50;
const caughtUp = 2_000;

/** The sequencer, and for each of three replicas the slot's size and one unit for its acceptance. */
const promised = { 1: 7, [batch]: 130 } as const;

export const bench: Bench = {
  name: 'log',
  sentence:
    'The cost of an append to three replicas and of the recovery of one, against bare writes of the same entries to three tables, which agree on nothing.',
  async run(say) {
    const dynamodb = await startDynamoDbLocal();
    const wire = await openWire(dynamodb.endpoint);
    try {
      const ours = await writer(wire.endpoint);
      const direct = await writer(wire.endpoint, 'direct');
      const bare = await bareLog(wire.endpoint);
      const rows: Row[] = [];
      for (const count of [1, batch] as const) {
        say(`appends of ${count}`);
        rows.push(...(await appends(wire, { ours, bare, direct }, count)));
      }
      say(`recovers a replica of ${caughtUp} positions`);
      rows.push(...(await catchingUp(wire, dynamodb.endpoint)));
      rows.push(...(await curve(dynamodb.endpoint, say)));
      return {
        rows,
        notes: [
          `Of one log by callers of one process that share rounds, entries of 100 bytes${before ? ', next to the code of one transaction for each position' : ''}.`,
          `Entries of ${entryBytes} bytes. An append is one update of the sequencer, then on each replica the slot and an update of the record ` +
            'that accepts it and makes old writers fail. Both sides answer with the second of three.',
          'In direct mode the writer hands out positions itself and puts slot and acceptance into one transaction a replica, so an append is one round of fewer requests. DynamoDB charges a transaction twice its units; the record of positions is written once in many appends. Theirs is the coordinator of the API: API Gateway and Lambda come on top of it.',
          'A recovery also reads what all the others hold before it takes anything for settled; the bare copy trusts one table.',
        ],
      };
    } finally {
      await wire.stop();
      await dynamodb.stop();
    }
  },
};

type Writer = Awaited<ReturnType<typeof writer>>;

/** A log on tables behind the wire, with its elected writer. */
async function writer(endpoint: string, mode: 'api' | 'direct' = 'api') {
  const { room, tables } = await logsWith(endpoint, 3);
  await room.create({ group: 'orders', log: 'journal', autoInitialize: false, createdAt: Date.now() });
  const opened = await room.open('orders', 'journal');
  const { sequencer } = opened;
  const parts = mode === 'direct' ? { ...opened, sequencer: new ExclusiveSequencer(sequencer) } : opened;
  for (const replica of parts.replicas) await initialize(parts, replica, false);
  const { writerId, memory } = await electWriter(parts);
  let requests = 0;
  return {
    parts,
    tables,
    async append(entries: readonly Uint8Array[]): Promise<void> {
      requests += 1;
      const requestId = namesOf(`${requests}`).requestId;
      const answer = await append(parts, memory, { writerId, requestId, content: { type: 'APPEND', entries } });
      if (!('first' in answer)) throw new Error(`Not appended: ${JSON.stringify(answer)}`);
    },
  };
}

async function electWriter(parts: LogParts): Promise<{ writerId: string; memory: WriterMemory }> {
  const election = await elect(parts, 0);
  if (!('elected' in election)) throw new Error(`Not elected: ${JSON.stringify(election)}`);
  return { writerId: election.elected.writerId, memory: { writer: election.elected, settlements: new Map() } };
}

interface Writers {
  readonly ours: Writer;
  readonly bare: Bare;
  readonly direct: Writer;
}

async function appends(wire: Wire, { ours, bare, direct }: Writers, count: 1 | typeof batch): Promise<Row[]> {
  const entries = Array.from({ length: count }, (_, at) => new Uint8Array(entryBytes).fill(at));
  const ms = await interleaved(
    { rounds: count === 1 ? 60 : 20, warmUp: 5 },
    {
      ours: () => ours.append(entries),
      bare: () => bare.append(entries),
      direct: () => direct.append(entries),
    },
  );
  const spent = await settled(wire, () => ours.append(entries));
  const bareSpent = await settled(wire, () => bare.append(entries));
  const directSpent = await settled(wire, () => direct.append(entries));
  const what = count === 1 ? 'append one entry' : `append ${count} entries`;
  const units = counted(`${what}, write units`, spent.writeUnits, bareSpent.writeUnits);
  const inDirectMode = `${what} in direct mode, against the API`;
  return [
    { ...units, aim: atMost(promised[count], spent.writeUnits, `${promised[count]} units`) },
    counted(`${what}, requests`, spent.requests, bareSpent.requests),
    compare(`${what}, p50`, { ours: ms.ours, theirs: ms.bare }),
    counted(`${inDirectMode}, write units`, directSpent.writeUnits, spent.writeUnits),
    counted(`${inDirectMode}, requests`, directSpent.requests, spent.requests),
    compare(`${inDirectMode}, p50`, { ours: ms.direct, theirs: ms.ours }),
  ];
}

/** The slowest replica is still under way when an append is answered. */
async function settled(wire: Wire, work: () => Promise<void>): Promise<Spent> {
  const quiet = () => new Promise((resolve) => setTimeout(resolve, 500));
  await quiet();
  return wire.during(async () => {
    await work();
    await quiet();
  });
}

/** The same positions again and again, on a replica whose table was lost. */
async function catchingUp(wire: Wire, dynamodb: string): Promise<Row[]> {
  const fresh = await writer(wire.endpoint);
  const bare = await bareLog(wire.endpoint);
  const entries = Array.from({ length: batch }, (_, at) => new Uint8Array(entryBytes).fill(at));
  for (let at = 0; at < caughtUp; at += batch) {
    await fresh.append(entries);
    await bare.append(entries);
  }
  const [, , lost] = fresh.parts.replicas;
  const [, , table] = fresh.tables.replicas;
  if (!lost || !table) throw new Error('There is no third replica');
  const units: Record<'ours' | 'theirs', number[]> = { ours: [], theirs: [] };
  const measured = (name: 'ours' | 'theirs', work: () => Promise<unknown>) => async () => {
    const startedAt = performance.now();
    const spent = await wire.during(work);
    units[name].push(spent.writeUnits / caughtUp);
    return (performance.now() - startedAt) / caughtUp;
  };
  const recovered = measured('ours', () => recover(fresh.parts, lost, { autoInitialize: false }));
  const ms = await interleaved(
    { rounds: 3, warmUp: 1 },
    {
      ours: async () => {
        await wipeTable(dynamodb, table);
        return recovered();
      },
      theirs: measured('theirs', () => bare.copy()),
    },
  );
  return [
    compare('recover a replica, for each position', { ...ms, digits: 3, unit: 'ms' }),
    compare('recover a replica, write units for each position', { ...units, unit: 'units' }),
  ];
}

function counted(what: string, ours: number, theirs: number): Row {
  return { what, ours: String(ours), theirs: String(theirs), ratio: ours / theirs };
}
