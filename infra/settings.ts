import type { Node } from 'constructs';
import * as z from 'zod';
import { defaultClockSkewMs } from '../api/clock-skew.ts';

const whole = (min: number, max: number) => z.int().min(min).max(max);
const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be the name of a Region');
const source = z
  .string()
  .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[\w!.'()/-]*\/$/, 'must be s3://bucket/prefix/');

/** Pairs of numbers; a missing one keeps its default. */
const throttle = (rate: number, burst: number) =>
  z.strictObject({ rate: whole(1, 100_000).default(rate), burst: whole(1, 100_000).default(burst) }).prefault({});

const schema = z
  .strictObject({
    /** Names the deployment: several stages live side by side in one account. */
    stage: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,15}$/, 'must be 1 to 16 of a-z, 0-9 and -, beginning with a letter')
      .default('dev'),
    /** A throw-away stage: nothing is protected, `cdk destroy` removes everything. */
    ephemeral: z.boolean().default(false),
    /** Tables on which logs are kept: 2q - 1 for a quorum of q. */
    replicas: z.literal([1, 3, 5]).default(3),
    /** Where the last replicas lie; those before them lie in the stack's own Region. */
    replicaRegions: z.array(region).default([]),
    /** How long a deleted payload can still be brought back. */
    payloadUndeleteDays: whole(1, 365).default(1),
    /** By how much clocks may differ. */
    maxClockSkewMs: whole(0, 60_000).default(defaultClockSkewMs),
    /** Off: only the built-in worker takes backups. */
    delegation: z.enum(['on', 'off']).default('on'),
    /** From where every group may restore, besides its own backups and those shared with it. */
    restoreSources: z.array(source).default([]),
    /** Where a request may have its backup written besides the stack's bucket: in buckets of the same Region. */
    backupTargets: z.array(source).default([]),
    /** Off: nobody sees who waits, nor what was refused; `explain` rests on terms and events alone. */
    journal: z.enum(['on', 'off']).default('on'),
    /**
     * Off: a worker that a backup has asked polls once a second instead of having an instance held for it, so that an
     * account with few concurrent executions keeps them for renewals.
     */
    heldPolls: z.enum(['on', 'off']).default('on'),
    logRetentionDays: z.literal([1, 3, 5, 7, 14, 30, 60, 90, 180, 365]).default(30),
    /** Whether functions and workflows are traced by X-Ray. */
    tracing: z.enum(['on', 'off']).default('on'),
    /**
     * `essential`: a few alarms, which together notice whatever fails. `full`: one for each function and store, and a
     * dashboard.
     */
    monitoring: z.enum(['essential', 'full']).default('essential'),
    /** The API's limits over all groups: `rate` requests a second for long, `burst` at once. */
    throttles: z
      .strictObject({
        /** Renewals and all else of a leader for its lease. */
        lease: throttle(2_000, 2_000),
        /** Below what leaders may ask for, so that contenders cannot use up the account's share. */
        contend: throttle(200, 400),
        /** Workers' polls: each may hold an instance for 20 s. */
        polls: throttle(20, 40),
        /** Each of the other routes. */
        other: throttle(500, 1_000),
        /** Throttles of names that are not routes. */
        unknown: throttle(10, 20),
      })
      .prefault({}),
    /** How many of each a group may have; one more is refused with `limit_reached`. */
    limits: z
      .strictObject({
        /** Those that are not cleaned up yet. */
        jobs: whole(1, 1_000_000).default(10_000),
        /** Each costs the sweep a look at its replicas every minute. */
        logs: whole(1, 1_000).default(100),
        backups: whole(1, 100_000).default(2_000),
        workers: whole(1, 1_000).default(100),
      })
      .prefault({}),
    /** How the cut of a backup is placed. */
    cut: z
      .strictObject({
        /** A backup holds writers back for so long at most. */
        lockMs: whole(1_000, 60_000).default(5_000),
        /** So often it is tried, with a pause of whole seconds between two tries. */
        tries: whole(1, 100).default(5),
        pauseMs: whole(1_000, 60_000).default(1_000),
        /** So often a try reads all jobs before it holds them back, and so often afterwards. */
        freePasses: whole(2, 100).default(3),
        passes: whole(2, 100).default(12),
      })
      .prefault({}),
    /** How long a backup waits for its worker; each keeps those with which it began. */
    backupTimeouts: z
      .strictObject({
        /** For the answer to a command. */
        answerMs: whole(1_000, 600_000).default(30_000),
        /** A suspended worker resumes by itself after this. */
        suspendMs: whole(1_000, 3_600_000).default(180_000),
        /** For a heartbeat. */
        abandonMs: whole(3_000, 3_600_000).default(60_000),
        /** For the end of an attempt, however lively it is. */
        attemptMs: whole(60_000, 30 * 86_400_000).default(86_400_000),
      })
      .prefault({}),
    /**
     * A customer's key for the tables and payloads of the stack's Region; without it AWS encrypts with keys of its own.
     */
    kmsKeyArn: z
      .string()
      .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, 'must be the ARN of a KMS key')
      .optional(),
    /** Concurrency that is set apart for a function and caps it, by the function's name. None by default. */
    reservedConcurrency: z.record(z.string(), whole(0, 10_000), 'must be pairs of function=number').default({}),
  })
  .refine(({ stage, ephemeral }) => !(stage === 'prod' && ephemeral), {
    path: ['ephemeral'],
    message: 'stage=prod keeps its data; choose another stage for a throw-away one',
  })
  .refine(({ replicas, replicaRegions }) => replicaRegions.length <= replicas, {
    path: ['replicaRegions'],
    message: 'names more Regions than there are replicas',
  });

/** Of one deployment. */
export type Settings = z.output<typeof schema>;
/** As a file, or an app of yours, gives them: everything may be left out. */
export type GivenSettings = z.input<typeof schema>;
export type Throttle = Settings['throttles']['lease'];

/**
 * Fills in what is left out. Throws, naming each setting with its value, when one is malformed or two contradict each
 * other.
 */
export function checkSettings(given: z.input<typeof schema>): Settings {
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  const issues = read.error.issues.map(({ path, message }) => {
    const name = String(path[0]) as keyof Settings;
    return `${name}=${written(given[name])}: ${message}`;
  });
  throw new Error(`The settings are not usable: ${issues.join('; ')}`);
}

export const settingNames = Object.keys(schema.shape) as (keyof Settings)[];

/** Reads the settings from the CDK context: `-c name=value`, where lists are `a,b` and pairs `a=1,b=2`, or cdk.json. */
export function readSettings(node: Node): Settings {
  const given = settingNames.map((name) => [name, node.tryGetContext(name)] as const);
  const values = given.map(([name, value]) => [name, typeof value === 'string' ? fromText(name, value) : value]);
  return checkSettings(Object.fromEntries(values));
}

/** Text that does not fit stays text, for the check to name it. */
function fromText(name: keyof Settings, text: string): unknown {
  if (['stage', 'delegation', 'heldPolls', 'tracing', 'monitoring', 'journal', 'kmsKeyArn'].includes(name)) return text;
  if (name === 'ephemeral') return text === 'true' ? true : text === 'false' ? false : text;
  if (['replicaRegions', 'restoreSources', 'backupTargets'].includes(name)) return text.split(',').filter(Boolean);
  if (['reservedConcurrency', 'limits', 'cut', 'backupTimeouts'].includes(name)) {
    const pairs = text.split(',').map((pair) => /^([a-zA-Z-]+)=(\d+)$/.exec(pair));
    return pairs.includes(null) ? text : Object.fromEntries(pairs.map((pair) => [pair?.[1], Number(pair?.[2])]));
  }
  if (name === 'throttles') {
    const limits = text.split(',').map((limit) => /^([a-z]+)=(\d+)\/(\d+)$/.exec(limit));
    if (limits.includes(null)) return text;
    return Object.fromEntries(
      limits.map((limit) => [limit?.[1], { rate: Number(limit?.[2]), burst: Number(limit?.[3]) }]),
    );
  }
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

function written(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
