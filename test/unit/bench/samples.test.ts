import { expect, test } from 'vitest';
import { compare, interleaved, median } from '../../bench/samples.ts';

test('the median is the middle value, whatever the order', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([10, 2, 4, 8])).toBe(6);
  expect(median([7])).toBe(7);
  expect(() => median([])).toThrow('no values');
});

test('the ratio is ours divided by theirs, of medians: one outlier changes nothing', () => {
  const row = compare('renew', { ours: [11, 12, 900], theirs: [10, 10, 10], atMost: 1.15 });
  expect(row).toEqual({
    what: 'renew',
    ours: '12.00 ms',
    theirs: '10.00 ms',
    ratio: 1.2,
    aim: { said: '≤ 1.15', met: false },
  });
  expect(compare('renew', { ours: [23], theirs: [20], atMost: 1.15 }).aim).toEqual({ said: '≤ 1.15', met: true });
  expect(compare('size', { ours: [2], theirs: [1], unit: 'KB', digits: 0 })).toEqual({
    what: 'size',
    ours: '2 KB',
    theirs: '1 KB',
    ratio: 2,
  });
});

test('variants take turns, each round begins with another one, and warm-up rounds do not count', async () => {
  const order: string[] = [];
  const variant = (name: string) => async () => {
    order.push(name);
    return order.length;
  };
  const measured = await interleaved(
    { rounds: 3, warmUp: 1 },
    { ours: variant('ours'), theirs: variant('theirs'), bare: variant('bare') },
  );
  expect(order.join(' ')).toBe('ours theirs bare theirs bare ours bare ours theirs ours theirs bare');
  expect(measured).toEqual({ ours: [6, 8, 10], theirs: [4, 9, 11], bare: [5, 7, 12] });
});

test('without an answer of its own, what is measured is the time that it took', async () => {
  const { pause } = await interleaved(
    { rounds: 1 },
    { pause: () => new Promise<void>((resolve) => setTimeout(resolve, 20)) },
  );
  expect(pause[0]).toBeGreaterThan(15);
});
