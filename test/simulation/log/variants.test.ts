import { describe, expect, test } from 'vitest';
import { sizes } from '../../sizes.ts';
import { playMany } from './scenario.ts';
import { variants } from './variants.ts';

describe('a mistake that the design warns of is found:', () => {
  test.each(Object.entries(variants))('%s', async (_, variant) => {
    const found = await playMany(variant.seed ?? 1, sizes.log.variantRuns, variant);
    expect(found).toHaveProperty('violation');
  });
});
