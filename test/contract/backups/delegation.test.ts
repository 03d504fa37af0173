import { describe, expect, test } from 'vitest';
import { finish, giveUp } from '../../../functions/backups/attempt/attempts.ts';
import { cut } from '../../../functions/backups/attempt/conclusion.ts';
import { choose, offer, passOver, run, suspend } from '../../../functions/backups/attempt/delegation.ts';
import { answer, goodbye } from '../../../functions/backups/worker/workers.ts';
import { problemOf } from '../leadership/room.ts';
import { finished, group, openBackups } from './world.ts';

const timeout = { Error: 'States.Timeout' };

/** A backup whose first attempt is that of w1. */
async function chosen(more = {}) {
  const world = await openBackups();
  await world.register('w1');
  const { backupId } = await world.begin(more);
  const { attempt } = await choose(world.room, { group, backupId });
  return { ...world, name: { group, backupId, attempt } };
}

describe('choosing', () => {
  test('takes the worker that was seen last, passes over who refused, and fails with every reason when none is left', async () => {
    const world = await openBackups();
    const { room, clock } = world;
    await world.register('w1');
    clock.time += 100;
    await world.register('w2');
    const { backupId } = await world.begin();
    const name = { group, backupId };
    expect(await choose(room, name)).toEqual({ next: 'suspend', attempt: 1 });
    expect(await world.record(backupId)).toMatchObject({ worker: 'w2', host: 'w2.example', state: 'INITIATING' });
    await passOver(room, { ...name, attempt: 1 }, { Error: 'Refused', Cause: 'busy with backup b' });
    expect(await choose(room, name)).toEqual({ next: 'suspend', attempt: 2 });
    expect((await world.record(backupId)).worker).toBe('w1');
    await passOver(room, { ...name, attempt: 2 }, timeout);
    expect(await choose(room, name)).toEqual({ next: 'ended', attempt: 2 });
    const record = await world.record(backupId);
    expect(record).toMatchObject({ state: 'FAILED', error: { code: 'no_worker_accepted' } });
    expect(record.error?.message).toContain('w2: busy with backup b; w1: did not answer within 30000 ms');
    expect(record.refusals).toHaveLength(2);
  });

  test('gives it to the built-in worker when nobody is left and allowLeader is set, and at once with bypassDelegation', async () => {
    const world = await openBackups();
    const allowed = await world.begin({ allowLeader: true });
    expect(await choose(world.room, allowed)).toEqual({ next: 'cut', attempt: 1 });
    expect(await world.record(allowed.backupId)).toMatchObject({ worker: 'built-in', builtIn: true });
    const other = await openBackups();
    await other.register('w1');
    const bypassing = await other.begin({ bypassDelegation: true });
    expect(await choose(other.room, bypassing)).toEqual({ next: 'cut', attempt: 1 });
  });

  test('passes over workers that are gone, and says since when', async () => {
    const world = await openBackups();
    await world.register('w1');
    const { backupId } = await world.begin();
    world.clock.time += 120_000;
    expect(await choose(world.room, { group, backupId })).toMatchObject({ next: 'ended' });
    expect((await world.record(backupId)).error?.message).toContain('w1: last seen 120000 ms ago');
  });

  test('called again makes another attempt of the same worker; an ended backup stays ended', async () => {
    const world = await openBackups();
    await world.register('w1');
    const begun = await world.begin();
    await choose(world.room, begun);
    expect(await choose(world.room, begun)).toEqual({ next: 'suspend', attempt: 2 });
    await passOver(world.room, { ...begun, attempt: 1 }, timeout);
    expect((await world.record(begun.backupId)).refusals).toEqual([]);
    await passOver(world.room, { ...begun, attempt: 2 }, timeout);
    await passOver(world.room, { ...begun, attempt: 2 }, timeout);
    expect((await world.record(begun.backupId)).refusals).toHaveLength(1);
    await choose(world.room, begun);
    expect(await choose(world.room, begun)).toEqual({ next: 'ended', attempt: 2 });
  });
});

describe('commands', () => {
  async function suspended() {
    const { name, ...world } = await chosen();
    const asked = { ...name, taskToken: 'token-1' };
    await suspend(world.room, asked);
    return { ...world, asked };
  }

  test('an answer completes the task of the newest token, a lost answer may be repeated, a contrary one is refused', async () => {
    const { room, workflow, asked, commands } = await suspended();
    await suspend(room, { ...asked, taskToken: 'token-2' });
    const [command] = await commands('w1');
    expect(command).toMatchObject({ type: 'suspend', attempt: 1, suspendTimeoutMs: 180_000 });
    const say = (accepted: boolean) =>
      answer(room, { group, worker: 'w1' }, command?.commandId ?? '', { accepted, position: { events: 4 } });
    await say(true);
    await say(true);
    expect(workflow.reports).toEqual([
      ['succeed', 'token-2', { position: { events: 4 } }],
      ['succeed', 'token-2', { position: { events: 4 } }],
    ]);
    expect(await problemOf(say(false))).toMatchObject({ code: 'not_found' });
    expect(await commands('w1')).toEqual([]);
  });

  test('a refusal fails the task with its reason', async () => {
    const { reply, workflow } = await suspended();
    await reply('w1', { accepted: false, reason: 'busy' });
    expect(workflow.reports).toEqual([['fail', 'token-1', 'Refused', 'busy']]);
  });

  test('an acceptance that comes after the worker was passed over is told so, and the worker may resume', async () => {
    const { room, asked, commands, workflow } = await suspended();
    const [command] = await commands('w1');
    workflow.stale.add('token-1');
    await passOver(room, asked, timeout);
    const late = answer(room, { group, worker: 'w1' }, command?.commandId ?? '', { accepted: true });
    expect(await problemOf(late)).toMatchObject({ code: 'not_found' });
    expect(await commands('w1')).toMatchObject([{ type: 'cancel', attempt: 1 }]);
  });

  test('one that expired is not handed out any more', async () => {
    const { clock, commands } = await suspended();
    clock.time += 30_000;
    expect(await commands('w1')).toEqual([]);
  });

  test('no task token is ever handed out', async () => {
    const { commands } = await suspended();
    expect(JSON.stringify(await commands('w1'))).not.toContain('token-1');
  });

  test('the offer hands out a secret whose hash alone is on the record; offered again it is the same secret', async () => {
    const world = await suspended();
    const { room, asked } = world;
    await world.reply('w1', { accepted: true });
    expect(await cut(room, asked, { events: 9 })).toEqual({ next: 'offer', builtIn: false });
    await offer(room, asked);
    const [first] = await world.commands('w1');
    await offer(room, { ...asked, taskToken: 'token-3' });
    const [again] = await world.commands('w1');
    expect(again).toEqual(first);
    expect(first).toMatchObject({ type: 'backup', cut: { events: 10 }, heartbeatMs: 10_000 });
    const record = await world.record(asked.backupId);
    const { attemptSecret = '' } = first as { attemptSecret?: string };
    expect(attemptSecret.length).toBeGreaterThanOrEqual(32);
    expect(JSON.stringify(record)).not.toContain(attemptSecret);
    expect(record.secretHash).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('the cut', () => {
  test('is repeated a few times, and then the backup fails with the last reason', async () => {
    const { room, name, played, record } = await chosen();
    played.cut = { kind: 'again', again: 'log "events": no quorum could be locked' };
    for (let tries = 1; tries < 5; tries += 1) expect(await cut(room, name)).toEqual({ next: 'again', builtIn: false });
    expect(await cut(room, name)).toMatchObject({ next: 'ended' });
    const { error } = await record(name.backupId);
    expect(error).toMatchObject({ code: 'cut_failed', message: expect.stringContaining('no quorum could be locked') });
  });

  test('a worker whose position lies beyond it refuses', async () => {
    const { room, name } = await chosen();
    await expect(cut(room, name, { events: 11 })).rejects.toMatchObject({
      name: 'Refused',
      message: expect.stringContaining('11 of log "events" lies beyond the cut at 10'),
    });
    expect(await cut(room, name, { events: 10 })).toMatchObject({ next: 'offer' });
  });

  test('the built-in worker continues at once', async () => {
    const { room, name, record } = await chosen({ bypassDelegation: true });
    expect(await cut(room, name)).toEqual({ next: 'work', builtIn: true });
    expect((await record(name.backupId)).cut).toEqual({ events: 10 });
  });
});

describe('a goodbye', () => {
  test('fails the command that waits at once, and the next one posted', async () => {
    const { name, ...world } = await chosen();
    const asked = { ...name, taskToken: 'token-1' };
    await suspend(world.room, asked);
    await goodbye(world.room, { group, worker: 'w1' });
    expect(world.workflow.reports).toEqual([['fail', 'token-1', 'WorkerLost', 'said goodbye']]);
    await expect(suspend(world.room, asked)).rejects.toMatchObject({ name: 'WorkerLost' });
  });

  test('ends the running task of its attempt at once', async () => {
    const world = await openBackups();
    await world.register('w1');
    await world.accepted();
    world.workflow.reports.length = 0;
    await goodbye(world.room, { group, worker: 'w1' });
    await goodbye(world.room, { group, worker: 'w1' });
    expect(world.workflow.reports).toContainEqual(['fail', 'run-1', 'WorkerLost', 'said goodbye']);
  });

  test('of somebody else changes nothing', async () => {
    const world = await openBackups();
    await world.register('w1', 'w2');
    const { worker } = await world.accepted();
    world.workflow.reports.length = 0;
    await goodbye(world.room, { group, worker: worker === 'w1' ? 'w2' : 'w1' });
    expect(world.workflow.reports).toEqual([]);
  });
});

describe('the task of a running attempt', () => {
  async function offered() {
    const { name, ...world } = await chosen();
    const asked = { ...name, taskToken: 'run-1' };
    await cut(world.room, asked);
    await offer(world.room, asked);
    const command = await world.reply('w1', { accepted: true });
    return { ...world, asked, secret: command.type === 'backup' ? command.attemptSecret : '' };
  }

  test('ends at once when the worker finished, gave up or said goodbye before it began', async () => {
    const done = await offered();
    expect(await finish(done.room, done.asked, done.secret, finished)).toBe('continue');
    await expect(run(done.room, done.asked)).rejects.toMatchObject({ name: 'AlreadyFinished' });

    const failed = await offered();
    await giveUp(failed.room, failed.asked, failed.secret, { code: 'disk_full', message: 'no space' });
    await expect(run(failed.room, failed.asked)).rejects.toMatchObject({ name: 'GaveUp', message: 'no space' });

    const gone = await offered();
    await goodbye(gone.room, { group, worker: 'w1' });
    await expect(run(gone.room, gone.asked)).rejects.toMatchObject({ name: 'GaveUp' });
  });

  test('takes over the token and moves the backup on; called again the newer token counts', async () => {
    const { room, asked, record } = await offered();
    await run(room, asked);
    await run(room, { ...asked, taskToken: 'run-2' });
    expect(await record(asked.backupId)).toMatchObject({ state: 'TRANSITIONING', taskToken: 'run-2' });
  });
});
