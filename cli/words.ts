import type { TenureError } from '../client/tenure-error.ts';
import { duration } from './output.ts';

/** The fields of requests as the command line calls them; a command has only one of those that share a word. */
const fields: Readonly<Record<string, string>> = {
  group: '--group',
  job: 'the name of the job',
  log: 'the name of the log',
  checkpoint: 'the number of the checkpoint',
  savepoint: '--savepoint',
  replica: '--replica',
  backup: 'the id of the backup',
  backupId: 'the id of the backup',
  restore: 'the id of the restore',
  worker: '--id',
  contenderId: '--id',
  successor: '--to',
  address: '--address',
  leaseMs: '--lease',
  fencingVersion: '--fencing-version',
  reason: '--reason',
  retain: '--retain',
  metadata: '--metadata',
  detail: '--detail',
  result: '--result',
  state: '--state',
  limit: '--limit',
  uri: '--uri',
  everyMs: '--every',
  waitMs: '--wait',
  dailyAt: '--daily-at',
  position: 'the position',
  from: '--from',
  to: '--to',
};

const named = 'use letters, digits, ".", "_" and "-", beginning with a letter or digit, at most 128 characters';

/** The messages of a schema, as sentences about a value. */
const sentences: readonly (readonly [RegExp, (...found: string[]) => string])[] = [
  [/^must match \[A-Za-z0-9\]\[A-Za-z0-9/, () => named],
  [/^Too big: expected string to have <=(\d+) characters/, (most) => `give at most ${most} characters`],
  [/^Too small: expected string to have >=1 characters/, () => 'it is empty'],
  [/^Too small: expected string to have >=(\d+) characters/, (least) => `give at least ${least} characters`],
  [/^Too big: expected array to have <=(\d+) items/, (most) => `give at most ${most} of them`],
  [/^Too big: expected \w+ to be <=?(-?\d+)/, (most) => `give at most ${most}`],
  [/^Too small: expected \w+ to be >=?(-?\d+)/, (least) => `give at least ${least}`],
  [/^Invalid option: expected one of (.*)$/, (values) => `give one of ${values.replaceAll('|', ', ')}`],
  [/^Invalid input: expected (\w+), received undefined/, () => 'it is missing'],
  [/^Invalid input: expected (\w+)/, (kind) => `give ${kind === 'int' ? 'a whole number' : `a value of type ${kind}`}`],
  [/^Invalid (UUID|ISO datetime|URL)/, (kind) => `it is not a valid ${kind}`],
  [/^must be a whole number/, () => 'give a whole number'],
];

/** Texts of the service that name what only a program has, and what a person types instead. */
const spoken: readonly (readonly [RegExp, (...found: string[]) => string])[] = [
  [
    /create it with PUT \/v1\/groups\/([^/\s]+)\/logs\/([^/\s]+?)\./g,
    (group, log) => `create it with tenure log create ${log} --group ${group}.`,
  ],
  [
    /^leaseMs is (\d+), maxClockSkewMs is (\d+): .*$/g,
    (lease, skew) =>
      `--lease ${duration(Number(lease))} is too short for this service, whose clocks may differ by ${duration(Number(skew))}: give more than ${duration(2 * Number(skew))}.`,
  ],
  [/ with the same Idempotency-Key/g, () => ''],
  [/(?:or )?send allowLeader/g, () => 'or give --allow-leader'],
  [/\ballowLeader\b/g, () => '--allow-leader'],
  [/\bbypassDelegation\b/g, () => '--bypass-delegation'],
  [/\bpass force\b/g, () => 'give --force'],
  [/\bgive region, or\b/g, () => 'give --region, or'],
];

/** The message of an error as the command line calls things: options and arguments instead of a request's fields. */
export function inWords({ message, code, members }: TenureError): string {
  const { issues } = members;
  if (code === 'invalid_request' && Array.isArray(issues) && issues.every(isIssue) && issues.some(({ path }) => path)) {
    return `${issues.map(sentenceOf).join('; ')}. Nothing was changed.`;
  }
  return spoken.reduce(
    (text, [pattern, say]) => text.replace(pattern, (_, ...found: string[]) => say(...found)),
    message,
  );
}

interface Issue {
  readonly path: string;
  readonly message: string;
}

function isIssue(issue: unknown): issue is Issue {
  const { path, message } = (issue ?? {}) as Partial<Issue>;
  return typeof path === 'string' && typeof message === 'string';
}

function sentenceOf({ path, message }: Issue): string {
  const [field = ''] = path.split('.');
  const what = fields[field] ?? path;
  for (const [pattern, say] of sentences) {
    const found = pattern.exec(message);
    if (!found) continue;
    const sentence = say(...found.slice(1));
    return `${what}: ${field.endsWith('Ms') ? sentence.replace(/\d+/, (ms) => duration(Number(ms))) : sentence}`;
  }
  return what ? `${what}: ${message}` : message;
}
