/** The tables of docs/cost.md on what is used, from the template, the counted units and list prices. */
import { memoryOf, prices, type Resource, type Row, totalOf } from './cost.ts';
import { type Counted, counted } from './counted-units.ts';

type Resources = Readonly<Record<string, Resource>>;
/** By the header of the table on the page. */
export type Tables = ReadonlyMap<string, string>;

const million = 1e6;
const monthSeconds = 30 * 24 * 3_600;
/** Assumed, not measured on AWS. */
const requestSeconds = 0.01;

interface Parts {
  readonly dynamodb: number;
  readonly s3: number;
  readonly api: number;
  readonly lambda: number;
}

/** Dollars of a million requests to the API, served by this function. */
function millionOf(resources: Resources, name: string, units: Counted): Parts {
  const { readUnits = 0, writeUnits = 0, puts = 0, gets = 0 } = units;
  const gigabyteSeconds = requestSeconds * memoryOf(resources, name);
  return {
    dynamodb: million * (readUnits * prices.readUnit + writeUnits * prices.writeUnit),
    s3: million * (puts * prices.putRequest + gets * prices.getRequest),
    api: million * prices.apiRequest,
    lambda: million * (prices.invocation + gigabyteSeconds * prices.gigabyteSecond),
  };
}

const sum = ({ dynamodb, s3, api, lambda }: Parts) => dynamodb + s3 + api + lambda;
const money = (dollars: number) =>
  dollars >= 100 ? `$${Math.round(dollars).toLocaleString('en-US')}` : `$${dollars.toFixed(dollars < 0.05 ? 3 : 2)}`;
const whole = (count: number) => count.toLocaleString('en-US');
const bold = (text: string) => `**${text}**`;

function unitsText({ readUnits, writeUnits, puts, gets }: Counted): string {
  const named = [
    [readUnits, 'read unit'],
    [writeUnits, 'write unit'],
    [puts, 'PUT'],
    [gets, 'HEAD'],
  ] as const;
  const texts = named.map(([count, name]) => {
    if (!count) return undefined;
    return `${count === 0.5 ? '½' : count} ${name}${count > 1 && name.endsWith('unit') ? 's' : ''}`;
  });
  return texts.filter((text) => text !== undefined).join(', ');
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): [string, string] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const first = line(header);
  return [first, [first, `|${'---|'.repeat(header.length)}`, ...rows.map(line)].join('\n')];
}

/** All tables of the page but the one at rest. */
export function tablesOfUse(resources: Resources): Tables {
  const of = (name: string, units: Counted) => millionOf(resources, name, units);
  return new Map([
    requests(of),
    group(of),
    standby(of),
    many(),
    stored(),
    workers(resources, of),
    payloads(),
    operations(of),
    events(resources),
  ]);
}

type Price = (name: string, units: Counted) => Parts;

function requests(of: Price) {
  const steps: [string, string, Counted][] = [
    ['renew (heartbeat)', 'lease', counted.renew],
    ['contend that loses', 'contend', counted.lostContend],
    ['observe', 'operate', counted.observe],
    ['observe, with named addresses', 'operate', counted.observeAddresses],
    ['publish or withdraw a named address', 'lease', counted.address],
    ['confirm', 'lease', counted.confirm],
  ];
  return table(
    ['step', 'DynamoDB', 'API', 'Lambda', 'together, per million'],
    steps.map(([what, name, units]) => {
      const parts = of(name, units);
      const dynamodb = `${unitsText(units)}, ${money(parts.dynamodb)}`;
      return [what, dynamodb, money(parts.api), money(parts.lambda), bold(money(sum(parts)))];
    }),
  );
}

/** The default lease is 15 s: its leader renews each third of it, and a standby looks as often. */
const perMonth = monthSeconds / 5;

function group(of: Price) {
  const leader = (perMonth * sum(of('lease', counted.renew))) / million;
  const contender = (perMonth * sum(of('operate', counted.observe))) / million;
  const swept = (monthSeconds / 60) * 0.5 * prices.readUnit;
  return table(
    ['of one group', 'in 30 days', 'a month'],
    [
      ['the leader renews', whole(perMonth), money(leader)],
      ['each standby looks', whole(perMonth), money(contender)],
      ['the sweep reads its record', whole(monthSeconds / 60), money(swept)],
      ['together, with two standbys', '', bold(money(leader + 2 * contender + swept))],
    ],
  );
}

function standby(of: Price) {
  const look = sum(of('operate', counted.observe)) / million;
  const rows = [
    ['1,000', 1_000, '0.5 s'],
    ['5,000 (default)', 5_000, '2.5 s'],
    ['10,000', 10_000, '5 s'],
    ['0', 10_000, 'up to 15 s'],
  ] as const;
  return table(
    ['`handoverPollMs`', 'looks in 30 days', 'a standby a month', 'a resignation is seen after (median)'],
    rows.map(([setting, everyMs, seen]) => {
      const looks = (monthSeconds * 1_000) / everyMs;
      const text = setting === '0' ? `${whole(looks)}, at the end of the lease only` : whole(looks);
      return [setting, text, money(looks * look), seen];
    }),
  );
}

/** Reads of each, every minute. */
function many() {
  const minutes = monthSeconds / 60;
  const row = (what: string, units: number) => [
    what,
    `${units}`.replace('0.5', '½'),
    money(1_000 * minutes * units * prices.readUnit),
  ];
  return table(
    ['1,000 of them', 'read units a minute each', 'a month'],
    [row('groups', 0.5), row('logs on 3 replicas', 5)],
  );
}

function stored() {
  const { tableGigabyte, recoveryGigabyte, objectGigabyte } = prices;
  const rows: [string, number][] = [
    ['in the main table: groups, terms, jobs, backups', 1],
    ['of a log with 1 replica', 1],
    ['of a log with 3 replicas', 3],
    ['of a log with 5 replicas', 5],
  ];
  const both = rows.map(([what, copies]) => {
    const [data, recovery] = [copies * tableGigabyte, copies * recoveryGigabyte];
    return [what, money(data), money(recovery), bold(money(data + recovery))];
  });
  const object = money(objectGigabyte);
  const inBucket = ['of payloads and backups in the bucket', object, '–', bold(object)];
  return table(['1 GB', 'storage', 'point-in-time recovery', 'a month'], [...both, inBucket]);
}

function workers(resources: Resources, of: Price) {
  const polls = monthSeconds / 10;
  const heldHour = 3_600 * memoryOf(resources, 'workers') * prices.gigabyteSecond;
  return table(
    ['a worker', 'requests', 'price'],
    [
      [
        'idle: a short poll every 10 s',
        `${whole(polls)} a month`,
        `${bold(money((polls * sum(of('workers', counted.renew))) / million))} a month`,
      ],
      [
        'while a backup is in progress: polls held for 20 s',
        `${3_600 / 20} an hour`,
        `${bold(money(heldHour))} an hour`,
      ],
    ],
  );
}

function payloads() {
  const price = (gigabytes: number) => money(gigabytes * prices.objectGigabyte);
  const rows = [
    ['1 GB an hour', 24],
    ['1 GB a minute', 24 * 60],
    ['10 GB a minute', 24 * 600],
  ] as const;
  return table(
    ['checkpoints', '1 day (default)', '3 days', '30 days'],
    rows.map(([what, daily]) => [what, price(daily), price(3 * daily), price(30 * daily)]),
  );
}

const inDynamoDb = ({ readUnits = 0, writeUnits = 0 }: Counted): Counted => ({ readUnits, writeUnits });
const inS3 = ({ puts = 0, gets = 0 }: Counted): Counted => ({ puts, gets });

function operations(of: Price) {
  const row = (what: string, name: string, calls: readonly Counted[], entries = 1) => {
    const perEntry = entries === 1 ? '' : ` for ${entries} entries`;
    const parts = calls.map((units) => of(name, units));
    const total = (of: (one: Parts) => number) => parts.reduce((all, one) => all + of(one), 0) / entries;
    const [dynamodb, s3] = [inDynamoDb, inS3].map((only) =>
      calls.flatMap((units) => unitsText(only(units)) || []).join(', '),
    );
    return [
      what,
      `${dynamodb}${perEntry}, ${money(total((one) => one.dynamodb))}`,
      s3 ? `${s3} (a DELETE is free), ${money(total((one) => one.s3))}` : '–',
      bold(money(total(sum))),
    ];
  };
  return table(
    ['operation', 'DynamoDB', 'S3', 'together with API and Lambda'],
    [
      row('heartbeat (renewal of a lease)', 'lease', [counted.renew]),
      row('checkpoint uploaded and committed, `retain` ≤ 3', 'jobs', [counted.beginUpload, counted.commit]),
      row('log entry appended alone, 800 bytes, 3 replicas', 'log', [counted.appendAlone]),
      row('log entries of 800 bytes in batches of 50, 3 replicas', 'log', [counted.appendFifty], 50),
    ],
  );
}

/** Bytes of an event in the log that `tenure events tail` reads. */
const eventBytes = 700;

function events(resources: Resources) {
  const call = prices.invocation + requestSeconds * memoryOf(resources, 'events') * prices.gigabyteSecond;
  const rows: Row[] = [
    { what: 'published to the bus', count: '', dollars: million * prices.event },
    {
      what: 'the function `events`, if each event comes by itself; a batch of 100 costs as much as one',
      count: '',
      dollars: million * call,
    },
    {
      what: `the log that \`tenure events tail\` reads, ${eventBytes / 1_000} KB an event`,
      count: '',
      dollars: (million * eventBytes * prices.logGigabyte) / 1e9,
    },
  ];
  return table(
    ['part', 'price'],
    [...rows.map(({ what, dollars }) => [what, money(dollars)]), ['together', bold(money(totalOf(rows)))]],
  );
}
