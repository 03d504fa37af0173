import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { ExitError } from '../../../../cli/exit.ts';
import { leading } from './leading.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenure-lead-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['has a ready file that cannot be removed', { readyFile: folder }],
  ['is refused its confirmation', { command: ['sleep', '600'] }],
])('with --stay a leader that %s pauses longer and longer between its terms', async (_, settings) => {
  const { time, link, events, start } = leading(settings, { stay: true });
  for (let term = 1; term <= 3; term += 1) link.next('confirm', { kind: 'status', status: 403 });
  const led = start();
  led.catch(() => {});
  for (const [term, pauseMs] of [
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
  ] as const) {
    await time.advance(0);
    await vi.waitFor(() => {
      expect(events().at(-1)).toBe(`lost ${term}`);
      expect(link.count('resign')).toBe(term);
      expect(time.pendingTimers).toBe(1);
    }, 20_000);
    await time.advance(pauseMs - 1);
    expect(link.count('contend')).toBe(term);
    await time.advance(1);
    expect(link.count('contend')).toBe(term + 1);
  }
  process.listeners('SIGTERM').at(-1)?.('SIGTERM');
  await time.advance(0);
  await expect(led).rejects.toBeInstanceOf(ExitError);
});

test('with --stay a leader that handed its term over is in line again at once, however often', async () => {
  const { time, link, events, start } = leading({ command: ['sleep', '600'], leaseMs: 600_000 }, { stay: true });
  const led = start();
  led.catch(() => {});
  for (let term = 1; term <= 3; term += 1) {
    await vi.waitFor(async () => {
      await time.advance(0);
      expect(events().at(-1)).toBe(`confirmed ${term}`);
    }, 20_000);
    const asked = link.count('contend');
    link.service.handOver = {};
    await time.advance(200_000);
    await vi.waitFor(async () => {
      await time.advance(0);
      expect(link.count('contend')).toBe(asked + 1);
    }, 20_000);
    expect(events().at(-1)).toBe('waiting');
    await time.advance(800_000);
  }
  process.listeners('SIGTERM').at(-1)?.('SIGTERM');
  await vi.waitFor(async () => {
    await time.advance(0);
    await expect(Promise.race([led, Promise.resolve('leads')])).rejects.toBeInstanceOf(ExitError);
  }, 20_000);
});

test('with --stay the signal that hands over ends the command, keeps the lease for the successor and is in line again', async () => {
  const options = { handOverOn: 'SIGUSR1', handOverTo: 'b' } as const;
  const { time, link, events, start } = leading(
    { command: ['sleep', '600'], leaseMs: 600_000, ...options },
    { stay: true },
  );
  const led = start();
  led.catch(() => {});
  await vi.waitFor(async () => {
    await time.advance(0);
    expect(events().at(-1)).toBe('confirmed 1');
  }, 20_000);
  process.listeners('SIGUSR1').at(-1)?.('SIGUSR1');
  await vi.waitFor(async () => {
    await time.advance(0);
    expect(link.count('contend')).toBe(2);
  }, 20_000);
  expect(events()).toEqual(['granted 1', 'confirmed 1', 'note', 'lost 1', 'waiting']);
  expect(link.requests.find(({ step }) => step === 'resign')?.body).toEqual({ successor: 'b', stayOut: true });
  process.listeners('SIGTERM').at(-1)?.('SIGTERM');
  await time.advance(0);
  await expect(led).rejects.toMatchObject({ code: 143 });
});

test('a term whose ready file has not appeared is renewed lease after lease, and confirmed when it does', async () => {
  const readyFile = join(folder, 'ready');
  const started = join(folder, 'started');
  const command = ['sh', '-c', `> ${started}; exec sleep 600`];
  const { time, link, events, start } = leading({ command, readyFile, leaseMs: 600_000 });
  const led = start();
  led.catch(() => {});
  await time.advance(0);
  // Files of an earlier run are removed before the command starts.
  await vi.waitFor(() => expect(existsSync(started)).toBe(true), 20_000);
  expect(events()).toEqual(['granted 1']);
  // The guard counts in real time: a lease as short as in the other tests would run out for it on a busy machine.
  for (let minute = 0; minute < 30; minute += 1) await time.advance(60_000);
  expect(link.count('renew')).toBeGreaterThanOrEqual(8);
  expect(link.count('confirm')).toBe(0);
  writeFileSync(readyFile, '');
  await vi.waitFor(async () => {
    await time.advance(0);
    expect(events()).toEqual(['granted 1', 'confirmed 1']);
  }, 20_000);
  process.listeners('SIGTERM').at(-1)?.('SIGTERM');
  await vi.waitFor(() => expect(events().at(-1)).toBe('ended'), 20_000);
  await time.advance(0);
  await expect(led).rejects.toMatchObject({ code: 143 });
});

test('with --restart a term that could not be given back is not led again', async () => {
  const { time, link, said, events, start } = leading({}, { restart: true });
  link.next('resign', { kind: 'status', status: 500 });
  const led = start();
  led.catch(() => {});
  await time.advance(0);
  await vi.waitFor(() => expect(events().at(-1)).toBe('ended'), 20_000);
  expect(link.service.live).toBe(true);
  await time.advance(1_000);
  await vi.waitFor(() => expect(events().filter((event) => event === 'ended')).toHaveLength(2), 20_000);
  expect(said.filter(({ event }) => event === 'granted')).toMatchObject([{ fencingVersion: 1 }, { fencingVersion: 2 }]);
  process.listeners('SIGTERM').at(-1)?.('SIGTERM');
  await time.advance(0);
  await expect(led).rejects.toBeInstanceOf(ExitError);
});
