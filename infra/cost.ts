/**
 * The cost of a deployment at rest, from its template: list prices of us-east-1, without the free tier.
 */

export interface Row {
  readonly what: string;
  readonly count: string;
  /** Dollars a month of 30 days. */
  readonly dollars: number;
}

export interface Resource {
  Type: string;
  Properties?: { Metrics?: { MetricStat?: unknown }[]; MemorySize?: number; ScheduleExpression?: string };
}

const minutes = 30 * 24 * 60;
const hours = 30 * 24;

export const prices = {
  alarmMetric: 0.1,
  dashboard: 3,
  schedule: 1 / 1e6,
  invocation: 0.2 / 1e6,
  gigabyteSecond: 0.0000133334,
  logGigabyte: 0.5,
  readUnit: 0.125 / 1e6,
  writeUnit: 0.625 / 1e6,
  tableGigabyte: 0.25,
  recoveryGigabyte: 0.2,
  apiRequest: 1 / 1e6,
  event: 1 / 1e6,
  putRequest: 5 / 1e6,
  listRequest: 5 / 1e6,
  getRequest: 0.4 / 1e6,
  objectGigabyte: 0.023,
} as const;

/** The minute's calls, and the time of each when there is nothing to do: assumed, not measured on AWS. */
const eachMinute = [
  { name: 'minute', seconds: 0.35 },
  { name: 'log-sweep', seconds: 0.06 },
  { name: 'backup-sweep', seconds: 0.1 },
];
/** Lambda's own lines of one invocation, and the function's. */
const logBytes = 700;
/**
 * Queries of the groups index, half a unit each when they find nothing: groups and finished jobs; logs; policies,
 * restores, running backups and clean-ups.
 */
const queries = 7;

/** Throws for what it cannot price, so that nothing is forgotten. */
export function costAtRest(resources: Readonly<Record<string, Resource>>): Row[] {
  const of = (type: string) => Object.values(resources).filter(({ Type }) => Type === type);
  const unknown = Object.values(resources).find(({ Type }) => !free.has(Type) && !priced.has(Type));
  if (unknown) throw new Error(`No price for ${unknown.Type}: infra/cost.ts`);
  const alarms = of('AWS::CloudWatch::Alarm');
  const metrics = alarms.reduce((sum, { Properties }) => sum + metricsOf(Properties), 0);
  const schedules = of('AWS::Scheduler::Schedule').length;
  const invocations = schedules * eachMinute.length * minutes;
  const gigabyteSeconds = eachMinute.reduce(
    (sum, { name, seconds }) => sum + seconds * minutes * memoryOf(resources, name),
    0,
  );
  const row = (what: string, count: string, dollars: number): Row => ({ what, count, dollars });
  return [
    row('alarms', `${metrics} metrics`, metrics * prices.alarmMetric),
    row(
      'dashboards',
      `${of('AWS::CloudWatch::Dashboard').length}`,
      of('AWS::CloudWatch::Dashboard').length * prices.dashboard,
    ),
    row('calls by the schedule', `${schedules * minutes}`, schedules * minutes * prices.schedule),
    row('calls of functions', `${invocations}`, invocations * prices.invocation),
    row('their time', `${Math.round(gigabyteSeconds)} GB-s`, gigabyteSeconds * prices.gigabyteSecond),
    row(
      'their logs',
      `${Math.round((invocations * logBytes) / 1e6)} MB`,
      (invocations * logBytes * prices.logGigabyte) / 1e9,
    ),
    row('queries', `${queries * minutes}`, (schedules * queries * minutes * prices.readUnit) / 2),
    row('lists of payloads', `${hours}`, schedules * hours * prices.listRequest),
  ].filter(({ dollars }) => dollars > 0);
}

/** An alarm on metric math is paid for by its metrics. */
function metricsOf({ Metrics = [] }: Resource['Properties'] = {}): number {
  return Math.max(1, Metrics.filter(({ MetricStat }) => MetricStat).length);
}

/** GB of a function. */
export function memoryOf(resources: Readonly<Record<string, Resource>>, name: string): number {
  const id = new RegExp(`^TenureService${name.replaceAll('-', '')}[0-9A-F]{8}$`);
  const [, found] =
    Object.entries(resources).find(([key, { Type }]) => Type === 'AWS::Lambda::Function' && id.test(key)) ?? [];
  if (!found?.Properties?.MemorySize) throw new Error(`The template has no function ${name} with a memory size`);
  return found.Properties.MemorySize / 1_024;
}

const priced = new Set([
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::Scheduler::Schedule',
  'AWS::Lambda::Function',
]);

/** Paid for by what is asked of them, or kept in them, or not at all. */
const free = new Set([
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::Stage',
  'AWS::DynamoDB::Table',
  'AWS::Events::EventBus',
  'AWS::Events::Rule',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::Queue',
  'AWS::SQS::QueuePolicy',
  'AWS::StepFunctions::StateMachine',
]);

export const totalOf = (rows: readonly Row[]): number => rows.reduce((sum, { dollars }) => sum + dollars, 0);

/** The table of docs/cost.md. */
export function atRestTable(rows: readonly Row[]): string {
  const lines = rows.map(({ what, count, dollars }) => `| ${what} | ${count} | $${dollars.toFixed(2)} |`);
  return [
    '| what | a month | price |',
    '|---|---|---|',
    ...lines,
    `| **together** | | **$${totalOf(rows).toFixed(2)}** |`,
  ].join('\n');
}
