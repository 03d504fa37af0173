import { expect, test } from 'vitest';
import { contestant } from './contestant.ts';

test('after a freeze beyond the deadline it does not lead, whatever it does first, and says so once', async () => {
  const a = contestant('a', { contendAgain: false });
  a.elector.start();
  await a.time.advance(1_000);
  const { term } = a.elector;
  const before = a.link.requests.length;
  let ledWhenThawed: boolean | undefined;
  await a.time.freeze(20_000, () => {
    ledWhenThawed ??= a.elector.isLeader();
  });
  expect(ledWhenThawed).toBe(false);
  expect(term?.signal.aborted).toBe(true);
  expect(a.events).toEqual(['granted 1', 'confirmed 1', 'revoked 1 expired']);
  // It did not try to renew what is over.
  expect(a.link.requests.slice(before).map(({ step }) => step)).not.toContain('renew');
});

test('a freeze shorter than the window is survived', async () => {
  const { elector, time, events } = contestant('a');
  elector.start();
  await time.advance(1_000);
  await time.freeze(7_000);
  await time.advance(20_000);
  expect(elector.isLeader()).toBe(true);
  expect(events).toEqual(['granted 1', 'confirmed 1']);
});

test('after the machine slept the term is in doubt until a renewal says that it is over', async () => {
  const { elector, link, time, events } = contestant('a', { contendAgain: false });
  elector.start();
  await time.advance(1_000);
  time.sleepMachine(3_600_000);
  expect(elector.isLeader()).toBe(false);
  expect(elector.term).toBeUndefined();
  expect(elector.confirmedSessionId).toBeNull();
  const before = link.count('renew');
  // It looks at least every second.
  await time.advance(1_000);
  expect(link.count('renew')).toBe(before + 1);
  expect(events).toEqual(['granted 1', 'confirmed 1', 'suspended 1', 'revoked 1 expired']);
});

test('a wall clock that was set forward puts the term in doubt until a renewal confirms it', async () => {
  const { elector, time, events } = contestant('a');
  elector.start();
  await time.advance(1_000);
  time.stepWall(60_000);
  expect(elector.isLeader()).toBe(false);
  await time.advance(1_000);
  expect(elector.isLeader()).toBe(true);
  expect(events).toEqual(['granted 1', 'confirmed 1', 'suspended 1', 'reconnected 1']);
});

test('in doubt and without an answer it ends at the deadline, and does not hammer the service', async () => {
  const { elector, link, time, events } = contestant('a', { contendAgain: false });
  elector.start();
  await time.advance(1_000);
  link.offline = true;
  const before = link.count('renew');
  time.stepWall(60_000);
  await time.advance(9_000, () => expect(elector.isLeader()).toBe(false));
  expect(events.slice(-2)).toEqual(['suspended 1', 'revoked 1 expired']);
  expect(link.count('renew') - before).toBeLessThan(20);
});

test('a wall clock that was set back changes nothing', async () => {
  const { elector, link, time, events } = contestant('a', { contendAgain: false });
  elector.start();
  await time.advance(1_000);
  time.stepWall(-86_400_000);
  await time.advance(20_000, () => expect(elector.isLeader()).toBe(true));
  link.offline = true;
  await time.advance(9_000);
  expect(elector.isLeader()).toBe(false);
  expect(events.at(-1)).toBe('revoked 1 expired');
});
