import { startDynamoDbLocal } from '../../../emulator/dynamodb/dynamodb.ts';
import type { Aim, Bench, Row } from '../bench.ts';
import { AbsentError } from '../peers.ts';
import { median } from '../samples.ts';
import { openWire, type Spent, type Wire } from '../wire.ts';
import { deliveryHero } from './delivery-hero.ts';
import { direct } from './direct.ts';
import { type Failover, failover } from './failover.ts';
import { lockClient } from './lock-client.ts';
import type { Locks } from './locks.ts';
import { dynamolock, javaLockClient } from './process-locks.ts';
import { tenure } from './tenure.ts';

const sinceExpiry = 'of these, from the end of the lease on';
const aimed = `${sinceExpiry}, 100 contending`;

/** How many contend, and how often: one alone costs the same each time. */
const crowds: readonly [contenders: number, runs: number][] = [
  [1, 1],
  [10, 3],
  [100, 3],
];

export const bench: Bench = {
  name: 'leadership',
  sentence:
    "Requests to DynamoDB and capacity units (R read, W write) of each step, and of one failover until a successor leads while so many contend; counted on the wire, against the same DynamoDB Local. The ratio is that of the units' price: a write unit costs as much as five read units.",
  async run(say) {
    const dynamodb = await startDynamoDbLocal();
    const wire = await openWire(dynamodb.endpoint);
    const notes = [
      'Ours is the API: API Gateway and Lambda come on top of what is counted. In direct mode nothing does.',
      'Tenure also publishes who leads: only it has the step "confirm", and a failover that ends with a confirmed term. The lock clients stop at the lock; those in Go and Java can also look who has it.',
    ];
    const measured: Measured[] = [];
    try {
      for (const open of [tenure, direct, lockClient, deliveryHero, dynamolock, javaLockClient]) {
        try {
          const locks = await open(wire.endpoint, dynamodb.endpoint);
          say(locks.name);
          measured.push(await measure(locks, wire, say).finally(() => locks.stop?.()));
        } catch (error) {
          if (!(error instanceof AbsentError)) throw error;
          notes.push(`Not measured: ${error.message}.`);
        }
      }
    } finally {
      await wire.stop();
      await dynamodb.stop();
    }
    const [ours, ...others] = measured as [Measured, ...Measured[]];
    const rows = others.flatMap((theirs) => [...theirs.spent.keys()].map((what) => compared(what, ours, theirs)));
    const only = [...ours.spent.keys()].filter((what) => !others.some(({ spent }) => spent.has(what)));
    return {
      rows: [...only.map((what) => ({ what, ours: shown(ours.spent.get(what)), theirs: '' })), ...rows],
      notes,
      peers: others.map(({ name }) => name),
    };
  },
};

interface Measured {
  name: string;
  spent: Map<string, Spent>;
}

async function measure(locks: Locks, wire: Wire, say: (progress: string) => void): Promise<Measured> {
  const spent = new Map<string, Spent>();
  for (const [what, act] of Object.entries(await locks.steps())) spent.set(what, await wire.during(act));
  for (const [contenders, runs] of crowds) {
    const each: Failover[] = [];
    for (let run = 0; run < runs; run++) {
      const one = await failover(locks, wire, `group-${contenders}-${run}`, contenders);
      each.push(one);
      say(`${locks.name}, ${contenders} contending: ${shown(one.sinceCrash)}; of these ${shown(one.sinceExpiry)}`);
    }
    spent.set(`failover, ${contenders} contending`, middle(each.map(({ sinceCrash }) => sinceCrash)));
    spent.set(`${sinceExpiry}, ${contenders} contending`, middle(each.map((one) => one.sinceExpiry)));
  }
  return { name: locks.name, spent };
}

function middle(spent: readonly Spent[]): Spent {
  const of = (part: keyof Spent) => median(spent.map((one) => one[part]));
  return { requests: of('requests'), readUnits: of('readUnits'), writeUnits: of('writeUnits') };
}

function compared(what: string, ours: Measured, theirs: Measured): Row {
  const [our, their] = [ours.spent.get(what), theirs.spent.get(what)];
  const row = { what: `${what}, against ${theirs.name.split(' ')[0]}`, ours: shown(our), theirs: shown(their) };
  const ratio = our && their ? { ratio: price(our) / price(their) } : {};
  return what === aimed && our ? { ...row, ...ratio, aim: aimOf(our) } : { ...row, ...ratio };
}

function aimOf({ writeUnits, readUnits }: Spent): Aim {
  return { said: '≤ 15 W, ≤ 100 R', met: writeUnits <= 15 && readUnits <= 100 };
}

function price({ readUnits, writeUnits }: Spent): number {
  return writeUnits + readUnits / 5;
}

function shown(spent: Spent | undefined): string {
  if (!spent) return '';
  const units = [spent.readUnits && `${spent.readUnits} R`, spent.writeUnits && `${spent.writeUnits} W`];
  return [`${spent.requests} ${spent.requests === 1 ? 'request' : 'requests'}`, ...units.filter(Boolean)].join(', ');
}
