import { expect, test } from 'vitest';
import { slotBytes, slotEntries } from '../../../log/protocol/replica.ts';
import { writeUnits } from '../../support/capacity.ts';
import { readPage } from '../../support/docs/markdown.ts';

/** Of one partition of DynamoDB. */
const unitsASecond = 1_000;
/** Of a slot, next to its entries, by docs/log.md. */
const besideBytes = 150;

const rows = [...readPage('docs/log.md').matchAll(/^\| (\d+) (bytes|KiB) ((?:\| [\d,]+ )+)\|$/gm)].map(
  ([, size = '', unit, cells = '']) => ({
    bytes: Number(size) * (unit === 'KiB' ? 1_024 : 1),
    cells: cells
      .split('|')
      .slice(1)
      .map((cell) => Number(cell.replace(',', ''))),
  }),
);

test.each(rows)('the rates of entries of $bytes bytes are those of their units', ({ bytes, cells }) => {
  const [one, aloneUnits, alone, most, fullUnits, full] = cells;
  const unitsOf = (entries: number) => writeUnits(besideBytes + entries * bytes) + 1;
  const rate = (entries: number) => (unitsASecond / unitsOf(entries)) * entries;
  expect([one, aloneUnits, most, fullUnits]).toEqual([
    1,
    unitsOf(1),
    Math.min(slotEntries, Math.floor(slotBytes / bytes)),
    unitsOf(most ?? 0),
  ]);
  // Rounded down, to two digits.
  for (const [shown = 0, entries = 0] of [
    [alone, 1],
    [full, most],
  ] as const) {
    expect(shown).toBeLessThanOrEqual(rate(entries));
    expect(shown).toBeGreaterThan(rate(entries) * 0.9);
  }
});

test('the table has the three sizes', () => {
  expect(rows.map(({ bytes }) => bytes)).toEqual([100, 1_024, 65_536]);
});
