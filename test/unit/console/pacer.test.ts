import { expect, test } from 'vitest';
import { Pacer, type Source } from '../../../console/pacer.ts';

/** A page whose clock the test moves; every question is answered at once unless `answer` says otherwise. */
function page(intervals: Record<string, number>, answer: (name: string) => Promise<void> = async () => {}) {
  const asked: string[] = [];
  const state = { now: 0, visible: true };
  const sources: Source[] = Object.entries(intervals).map(([name, everyMs]) => ({
    name,
    everyMs: () => everyMs,
    ask: () => {
      asked.push(`${name}@${state.now / 1000}`);
      return answer(name);
    },
  }));
  const pacer = new Pacer({
    sources: () => sources,
    isVisible: () => state.visible,
    now: () => state.now,
    isOutage: (error) => String(error).includes('outage'),
    onSettled: () => {},
  });
  const run = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      pacer.tick();
      await new Promise(setImmediate);
      state.now += 1_000;
    }
  };
  return { asked, state, run, pacer };
}

test('a page asks one question a second from the first on, and the parts fill before anything is asked often', async () => {
  const { asked, run } = page({ a: 2_000, b: 5_000, c: 5_000, d: 5_000, e: 5_000, f: 60_000 });
  await run(60);
  const seconds = asked.map((one) => one.split('@')[1]);
  expect(new Set(seconds).size).toBe(seconds.length);
  expect(asked.slice(0, 4)).toEqual(['a@0', 'b@1', 'a@2', 'c@3']);
  expect(asked.findIndex((one) => one.startsWith('e'))).toBeLessThan(7);
  expect(asked.filter((one) => one.startsWith('a')).length).toBeGreaterThanOrEqual(15);
  expect(asked.some((one) => one.startsWith('f'))).toBe(true);
});

test('a list that changes often is read while the health of many groups is not known yet', async () => {
  const rows = Object.fromEntries(Array.from({ length: 80 }, (_, at) => [`health-${at}`, 60_000]));
  const { asked, run } = page({ groups: 2_000, ...rows });
  await run(40);
  expect(asked.filter((one) => one.startsWith('groups'))).toHaveLength(20);
});

test('a page that is shown again within the second asks nothing more in it', async () => {
  const { asked, state, run, pacer } = page({ a: 1_000, b: 1_000 });
  await run(3);
  state.now -= 600;
  pacer.tick();
  expect(asked).toHaveLength(3);
});

test('a hidden page asks nothing, and continues when it is shown', async () => {
  const { asked, state, run } = page({ a: 1_000 });
  await run(3);
  const before = asked.length;
  state.visible = false;
  await run(30);
  expect(asked).toHaveLength(before);
  state.visible = true;
  await run(1);
  expect(asked).toHaveLength(before + 1);
});

test('an answer that is late is waited for: questions never pile up', async () => {
  const { asked, run } = page({ a: 1_000, b: 1_000 }, () => new Promise(() => {}));
  await run(30);
  expect(asked).toEqual(['a@0']);
});

test('an API that is down is asked every other second, and each second again once it answers', async () => {
  const api = { isDown: true };
  const { asked, run } = page({ a: 1_000 }, async () => {
    if (api.isDown) throw new Error('outage');
  });
  await run(10);
  expect(asked.length).toBeLessThanOrEqual(6);
  expect(asked.length).toBeGreaterThanOrEqual(4);
  api.isDown = false;
  await run(3);
  const before = asked.length;
  await run(5);
  expect(asked).toHaveLength(before + 5);
});

test('a refusal of one question does not slow the others', async () => {
  const { asked, run } = page({ a: 1_000, b: 60_000 }, async (name) => {
    if (name === 'b') throw new Error('forbidden');
  });
  await run(10);
  expect(asked.filter((one) => one.startsWith('a')).length).toBeGreaterThanOrEqual(9);
  expect(asked.filter((one) => one.startsWith('b'))).toHaveLength(1);
});

test('a question whose answer an action changed is asked next', async () => {
  const { asked, run, pacer } = page({ a: 5_000, b: 60_000 });
  await run(2);
  pacer.refresh(['b']);
  await run(1);
  expect(asked).toEqual(['a@0', 'b@1', 'b@2']);
});

test('a question whose answer an action changed is asked while another question is urgent all the time', async () => {
  const { asked, run, pacer } = page({ a: 1, b: 10_000, c: 10_000 });
  await run(5);
  pacer.refresh(['c', 'a', 'b']);
  await run(4);
  expect(asked.slice(5)).toEqual(['a@5', 'b@6', 'c@7', 'a@8']);
});
