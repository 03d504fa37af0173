import { expect, test, vi } from 'vitest';
import { leading } from './leading.ts';

const harmless = ['SIGWINCH', 'SIGUSR1', 'SIGUSR2'] as const;

/** As when this process receives it: the last listener is tenure's. */
function signalled(signal: NodeJS.Signals): void {
  process.listeners(signal).at(-1)?.(signal);
}

test('while it waits for another, only a signal that asks for the end ends it', async () => {
  const { time, link, events, start } = leading({});
  link.service.act('contend', { contenderId: 'other', leaseMs: 60_000 }, new Headers());
  let ended = false;
  const led = start().finally(() => {
    ended = true;
  });
  led.catch(() => {});
  await time.advance(1_000);
  for (const signal of harmless) signalled(signal);
  await time.advance(1_000);
  expect(ended).toBe(false);
  signalled('SIGTERM');
  await time.advance(0);
  await expect(led).rejects.toMatchObject({ code: 143 });
  expect(events()).toEqual(['waiting']);
});

test('nor does another signal cut the pause before the next round short', async () => {
  const { time, link, events, start } = leading({ command: ['false'] }, { restart: true });
  const led = start();
  led.catch(() => {});
  await time.advance(0);
  await vi.waitFor(() => expect(events()).toContain('ended'), 20_000);
  await time.advance(100);
  for (const signal of harmless) signalled(signal);
  await time.advance(100);
  expect(link.count('contend')).toBe(1);
  await time.advance(1_000);
  expect(link.count('contend')).toBe(2);
  await vi.waitFor(() => expect(events().filter((event) => event === 'ended')).toHaveLength(2), 20_000);
  signalled('SIGTERM');
  await time.advance(0);
  await expect(led).rejects.toMatchObject({ code: 143 });
});
