/** How often a cut is tried, and how long the workflow waits between two tries: by default, and as it is set. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { begin } from '../../../functions/backups/requests.ts';
import { backupSettings } from '../../../functions/backups/settings.ts';
import { functionName, resources, templateOf } from '../../infra/cdk/synthesised.ts';
import { plainOptions } from '../../support/backups/begun-backup.ts';
import { group, openWorkflow, until } from './workflow-world.ts';

afterEach(() => vi.unstubAllEnvs());

const why = 'log "events": no quorum could be locked';

/**
 * A group whose cut never succeeds, backed up by the built-in worker under what a function reads from `environment`.
 */
async function neverCut(environment: Record<string, string>) {
  for (const [name, value] of Object.entries({ TENURE_TABLE: 'tenure-main', ...environment })) vi.stubEnv(name, value);
  const world = await openWorkflow();
  const { cutTries, cutPauseMs } = backupSettings();
  // The tasks of the workflow and the request that begins a backup are processes of the same deployment.
  const settings = { ...world.room.settings, cutTries, cutPauseMs };
  Object.assign(world.room, { settings });
  world.played.cut = { kind: 'again', again: why };
  const options = { ...plainOptions, bypassDelegation: true };
  const { backupId } = await begin(world.room, { group, options, requestId: randomUUID() });
  return {
    world,
    backupId,
    /** Until the workflow has come to its nth pause. */
    paused: (nth: number) =>
      until(async () => {
        const history = await world.server.history(world.executionArn(backupId));
        return history.filter(({ type }) => type === 'WaitStateEntered').length === nth;
      }),
    /** How long each pause of the workflow was, ms. */
    async pauses() {
      const history = await world.server.history(world.executionArn(backupId));
      const at = (wanted: string) =>
        history.filter(({ type }) => type === wanted).map(({ timestamp }) => Number(timestamp));
      const ends = at('WaitStateExited');
      return at('WaitStateEntered').map((entered, nth) => (ends[nth] ?? Number.NaN) - entered);
    },
    ended: () => until(async () => (await world.record(backupId)).state === 'FAILED'),
    tries: () => world.calls('cut'),
  };
}

test.each([
  ['by default', {}, 5, 1_000],
  ['twice', { TENURE_CUT_TRIES: '2', TENURE_CUT_PAUSE_MS: '7000' }, 2, 7_000],
  ['three times', { TENURE_CUT_TRIES: '3', TENURE_CUT_PAUSE_MS: '60000' }, 3, 60_000],
] as const)(
  'a cut that does not succeed is tried as often as is set, with the pause that is set: %s',
  async (_, environment, tries, pauseMs) => {
    const { world, backupId, paused, pauses, ended, tries: tried } = await neverCut(environment);
    for (let nth = 1; nth < tries; nth += 1) {
      await paused(nth);
      expect(tried()).toBe(nth);
      // One that is shorter ends here, and that is then its length in the history.
      world.clock.advance(pauseMs - 1);
      await sleep(50);
      world.clock.advance(1);
      await until(async () => tried() === nth + 1);
    }
    await ended();
    expect(tried()).toBe(tries);
    expect(await pauses()).toEqual(Array(tries - 1).fill(pauseMs));
    expect((await world.record(backupId)).error).toEqual({
      code: 'cut_failed',
      message: `The logs could not be cut at one moment in ${tries} tries; the last one: ${why}`,
    });
  },
);

test('one try is no pause: the backup fails at once', async () => {
  const { ended, tries, world } = await neverCut({ TENURE_CUT_TRIES: '1', TENURE_CUT_PAUSE_MS: '60000' });
  const begunAt = world.clock.now();
  await ended();
  expect([tries(), world.clock.now() - begunAt]).toEqual([1, 0]);
});

test('a cut that succeeds at its last try completes the backup', async () => {
  const { world, backupId, paused, tries } = await neverCut({ TENURE_CUT_TRIES: '2', TENURE_CUT_PAUSE_MS: '7000' });
  await paused(1);
  world.played.cut = {
    kind: 'cut',
    cut: { events: 10 },
    contents: { token: 'first', files: 1, key: 'k' },
    pausedMs: 3,
  };
  world.clock.advance(7_000);
  await until(async () => (await world.record(backupId)).state === 'COMPLETED');
  expect(tries()).toBe(2);
});

test('the options of a deployment reach every function that cuts, or begins a backup', () => {
  const template = templateOf({ cut: 'tries=2,pauseMs=7000' });
  const seen = resources(template, 'AWS::Lambda::Function').flatMap(({ id, properties }) => {
    const { TENURE_CUT_TRIES: tries, TENURE_CUT_PAUSE_MS: pauseMs } = properties.Environment?.Variables ?? {};
    return tries === undefined ? [] : [[functionName(template, { Ref: id }), tries, pauseMs]];
  });
  expect(seen.map(([name]) => name)).toEqual(expect.arrayContaining(['backupcut', 'backups']));
  for (const [name, ...values] of seen) expect(values, name).toEqual(['2', '7000']);
});

test('the timeouts of a deployment are those that each function of backups reads', () => {
  const backupTimeouts = 'answerMs=31000,suspendMs=200000,abandonMs=61000,attemptMs=172800000';
  const template = templateOf({ backupTimeouts });
  const seen = resources(template, 'AWS::Lambda::Function').flatMap(({ id, properties }) => {
    const variables = properties.Environment?.Variables ?? {};
    if (variables['TENURE_ATTEMPT_TIMEOUT_MS'] === undefined) return [];
    for (const name of Object.keys(variables).filter((one) => one.endsWith('_TIMEOUT_MS'))) {
      vi.stubEnv(name, String(variables[name]));
    }
    return [functionName(template, { Ref: id })];
  });
  const functions = ['backupcut', 'backuprecords', 'backups', 'backupsweep', 'backupwork', 'workers'];
  expect(seen).toEqual(expect.arrayContaining(functions));
  vi.stubEnv('TENURE_TABLE', 'tenure-main');
  expect(backupSettings()).toMatchObject({
    answerTimeoutMs: 31_000,
    suspendTimeoutMs: 200_000,
    abandonTimeoutMs: 61_000,
    attemptTimeoutMs: 172_800_000,
  });
});

test.each([
  [{ TENURE_CUT_TRIES: '0' }, 'TENURE_CUT_TRIES'],
  [{ TENURE_CUT_TRIES: '101' }, 'TENURE_CUT_TRIES'],
  [{ TENURE_CUT_PAUSE_MS: '999' }, 'TENURE_CUT_PAUSE_MS'],
  [{ TENURE_CUT_PAUSE_MS: '60001' }, 'TENURE_CUT_PAUSE_MS'],
])('%j is refused by its name', (environment, name) => {
  for (const [key, value] of Object.entries({ TENURE_TABLE: 'tenure-main', ...environment })) vi.stubEnv(key, value);
  expect(() => backupSettings()).toThrow(name);
});
