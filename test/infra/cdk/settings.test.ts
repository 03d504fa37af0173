import { readFileSync } from 'node:fs';
import { App } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { readSettings } from '../../../infra/settings.ts';

const settings = (context: Record<string, unknown> = {}) => readSettings(new App({ context }).node);

describe('settings', () => {
  test('without any, the stage is a protected dev with three replicas at home and no concurrency set apart', () => {
    expect(settings()).toEqual({
      stage: 'dev',
      ephemeral: false,
      replicas: 3,
      replicaRegions: [],
      payloadUndeleteDays: 1,
      maxClockSkewMs: 250,
      delegation: 'on',
      heldPolls: 'on',
      journal: 'on',
      restoreSources: [],
      backupTargets: [],
      logRetentionDays: 30,
      tracing: 'on',
      monitoring: 'essential',
      throttles: {
        lease: { rate: 2_000, burst: 2_000 },
        contend: { rate: 200, burst: 400 },
        polls: { rate: 20, burst: 40 },
        other: { rate: 500, burst: 1_000 },
        unknown: { rate: 10, burst: 20 },
      },
      limits: { jobs: 10_000, logs: 100, backups: 2_000, workers: 100 },
      cut: { lockMs: 5_000, tries: 5, pauseMs: 1_000, freePasses: 3, passes: 12 },
      backupTimeouts: { answerMs: 30_000, suspendMs: 180_000, abandonMs: 60_000, attemptMs: 86_400_000 },
      reservedConcurrency: {},
    });
  });

  test('the command line gives text, cdk.json numbers and booleans', () => {
    const given = { ephemeral: true, replicas: 5, payloadUndeleteDays: 7, logRetentionDays: 90 };
    const text = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
    expect(settings(text)).toEqual(settings(given));
    expect(settings(given)).toMatchObject(given);
  });

  test('lists are separated by commas', () => {
    expect(
      settings({ replicaRegions: 'us-west-2,ap-southeast-1', reservedConcurrency: 'contend=20,operate=10' }),
    ).toMatchObject({
      replicaRegions: ['us-west-2', 'ap-southeast-1'],
      reservedConcurrency: { contend: 20, operate: 10 },
    });
  });

  test('a throttle that is given leaves the others as they are', () => {
    expect(settings({ throttles: 'contend=10/20' }).throttles).toMatchObject({
      contend: { rate: 10, burst: 20 },
      lease: { rate: 2_000, burst: 2_000 },
    });
  });

  test('limits are pairs, too, and what is not given keeps its default', () => {
    expect(settings({ limits: 'jobs=20000,logs=5' }).limits).toEqual({
      jobs: 20_000,
      logs: 5,
      backups: 2_000,
      workers: 100,
    });
  });

  test('so are the options of a cut', () => {
    const cut = { lockMs: 20_000, tries: 5, pauseMs: 1_000, freePasses: 2, passes: 12 };
    expect(settings({ cut: 'lockMs=20000,freePasses=2' }).cut).toEqual(cut);
  });

  test('and the timeouts of a backup', () => {
    const days = 86_400_000;
    expect(settings({ backupTimeouts: `attemptMs=${3 * days},abandonMs=120000` }).backupTimeouts).toEqual({
      answerMs: 30_000,
      suspendMs: 180_000,
      abandonMs: 120_000,
      attemptMs: 3 * days,
    });
  });

  test('the function of leaders may reserve concurrency, too', () => {
    expect(settings({ reservedConcurrency: 'lease=50' }).reservedConcurrency).toEqual({ lease: 50 });
  });

  test('ephemeral=false is not taken for true', () => {
    expect(settings({ ephemeral: 'false' }).ephemeral).toBe(false);
  });

  test.each([
    [{ stage: 'prod', ephemeral: 'true' }, 'ephemeral=true: stage=prod keeps its data'],
    [{ stage: 'Prod' }, 'stage=Prod: must be 1 to 16 of a-z'],
    [{ stage: '' }, 'stage=: must be 1 to 16'],
    [{ stage: 'a-stage-of-17-char' }, 'stage=a-stage-of-17-char: must be 1 to 16'],
    [{ cut: 'lockMs=10' }, 'cut={"lockMs":10}: '],
    [{ cut: 'locks=10' }, 'cut={"locks":10}: '],
    [{ backupTimeouts: 'attemptMs=59999' }, 'backupTimeouts={"attemptMs":59999}: '],
    [{ backupTimeouts: 'attemptMs=2592000001' }, 'backupTimeouts={"attemptMs":2592000001}: '],
    [{ ephemeral: 'yes' }, 'ephemeral=yes: '],
    [{ replicas: '2' }, 'replicas=2: '],
    [
      { replicas: '1', replicaRegions: 'us-west-2,eu-west-1' },
      'replicaRegions=["us-west-2","eu-west-1"]: names more Regions',
    ],
    [{ replicaRegions: 'oregon' }, 'replicaRegions=["oregon"]: must be the name of a Region'],
    [{ payloadUndeleteDays: '0' }, 'payloadUndeleteDays=0: '],
    [{ maxClockSkewMs: '-1' }, 'maxClockSkewMs=-1: '],
    [{ logRetentionDays: '31' }, 'logRetentionDays=31: '],
    [{ delegation: 'maybe' }, 'delegation=maybe: '],
    [{ tracing: 'true' }, 'tracing=true: '],
    [{ restoreSources: 's3://archive' }, 'restoreSources=["s3://archive"]: must be s3://bucket/prefix/'],
    [{ restoreSources: 's3://archive/*/' }, 'restoreSources=["s3://archive/*/"]: must be s3://bucket/prefix/'],
    [{ reservedConcurrency: 'contend=1.5' }, 'reservedConcurrency=contend=1.5: must be pairs of function=number'],
    [{ reservedConcurrency: 'contend' }, 'reservedConcurrency=contend: must be pairs of function=number'],
    [{ monitoring: 'some' }, 'monitoring=some: '],
    [{ limits: 'logs=0' }, 'limits={"logs":0}: '],
    [{ limits: 'policies=2' }, 'limits={"policies":2}: '],
    [{ throttles: 'contend=10' }, 'throttles=contend=10: '],
    [{ throttles: 'contend=0/5' }, 'throttles={"contend":{"rate":0,"burst":5}}: '],
    [{ throttles: 'contned=1/5' }, 'throttles={"contned":{"rate":1,"burst":5}}: '],
    [{ kmsKeyArn: 'alias/mine' }, 'kmsKeyArn=alias/mine: must be the ARN of a KMS key'],
  ])('%o is refused by name and value', (context, message) => {
    expect(() => settings(context)).toThrow(message);
  });

  test('docs/operations.md has each with its default', () => {
    const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
    const documented = { ...settings(), kmsKeyArn: {} };
    for (const [name, value] of Object.entries(documented)) {
      const shown = typeof value === 'object' ? '' : `\`${value}\` `;
      expect(page).toContain(`\n| \`${name}\` | ${shown}| `);
    }
  });

  test('all that is wrong is told at once', () => {
    expect(() => settings({ replicas: '2', maxClockSkewMs: 'x' })).toThrow(/replicas=2: .*; maxClockSkewMs=x: /);
  });
});
