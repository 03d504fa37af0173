import type { Node } from 'constructs';
import * as z from 'zod';

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);
const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const list = z.string().transform((text) => text.split(',').filter((part) => part !== ''));
const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be the name of a Region');

const shape = z
  .object({
    /** Names the deployment: several stages live side by side in one account. */
    stage: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,15}$/, 'must be 1 to 16 of a-z, 0-9 and -, beginning with a letter')
      .default('dev'),
    /** A throw-away stage: nothing is protected, `cdk destroy` removes everything. */
    ephemeral: flag.default(false),
    /** Tables on which logs are kept: 2q - 1 for a quorum of q. */
    replicas: z.coerce
      .number()
      .pipe(z.literal([1, 3, 5]))
      .default(3),
    /** `us-west-2,eu-west-1`: where the last replicas lie; those before them lie in the stack's own Region. */
    replicaRegions: list.pipe(z.array(region)).default([]),
    /** How long a deleted payload can still be brought back. */
    payloadUndeleteDays: whole(1, 365).default(3),
    /** By how much clocks may differ. */
    maxClockSkewMs: whole(0, 60_000).default(250),
    logRetentionDays: z.coerce
      .number()
      .pipe(z.literal([1, 3, 5, 7, 14, 30, 60, 90, 180, 365]))
      .default(30),
    /** `contend=20,operate=10`: concurrency that is set apart for a function and caps it. None unless said. */
    reservedConcurrency: list
      .pipe(z.array(z.string().regex(/^[a-z-]+=\d+$/, 'must be pairs of function=number')))
      .transform((pairs) => Object.fromEntries(pairs.map(pairOf)))
      .default({}),
  })
  .refine(({ stage, ephemeral }) => !(stage === 'prod' && ephemeral), {
    path: ['ephemeral'],
    message: 'stage=prod keeps its data; choose another stage for a throw-away one',
  })
  .refine(({ replicas, replicaRegions }) => replicaRegions.length <= replicas, {
    path: ['replicaRegions'],
    message: 'names more Regions than there are replicas',
  })
  .refine(({ reservedConcurrency }) => !('lease' in reservedConcurrency), {
    path: ['reservedConcurrency'],
    message: 'lease is never capped: a leader that cannot renew loses its term',
  });

function pairOf(pair: string): [string, number] {
  const [name = '', count] = pair.split('=');
  return [name, Number(count)];
}

/** Of one deployment, from the CDK context: `-c name=value`, or cdk.json. */
export type Settings = z.output<typeof shape>;

/** Throws, naming each setting with its value, when one is malformed or two contradict each other. */
export function readSettings(node: Node): Settings {
  const given = Object.fromEntries(Object.keys(shape.shape).map((name) => [name, node.tryGetContext(name)]));
  const read = shape.safeParse(given);
  if (read.success) return read.data;
  const issues = read.error.issues.map(
    ({ path, message }) => `${String(path[0])}=${given[String(path[0])]}: ${message}`,
  );
  throw new Error(`The context is not usable: ${issues.join('; ')}`);
}
