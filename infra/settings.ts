import type { Node } from 'constructs';
import * as z from 'zod';

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);
const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

const shape = {
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
  /** How long a deleted payload can still be brought back. */
  payloadUndeleteDays: whole(1, 365).default(3),
  /** By how much clocks may differ; see the design of leadership. */
  maxClockSkewMs: whole(0, 60_000).default(250),
  logRetentionDays: z.coerce
    .number()
    .pipe(z.literal([1, 3, 5, 7, 14, 30, 60, 90, 180, 365]))
    .default(30),
};

export type Settings = z.output<z.ZodObject<typeof shape>>;

/**
 * Reads the settings of one deployment from the CDK context (`-c name=value`, or cdk.json).
 * Throws, naming each setting with its value, when one is malformed or `ephemeral` is asked for stage prod.
 */
export function readSettings(node: Node): Settings {
  const given = Object.fromEntries(Object.keys(shape).map((name) => [name, node.tryGetContext(name)]));
  const read = z.object(shape).safeParse(given);
  if (!read.success) {
    const issues = read.error.issues.map(
      ({ path, message }) => `${path.join('.')}=${given[String(path[0])]}: ${message}`,
    );
    throw new Error(`The context is not usable: ${issues.join('; ')}`);
  }
  if (read.data.stage === 'prod' && read.data.ephemeral) {
    throw new Error('stage=prod with ephemeral=true: a production stage keeps its data; choose another stage');
  }
  return read.data;
}
