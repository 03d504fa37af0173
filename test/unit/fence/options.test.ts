import { describe, expect, test } from 'vitest';
import { type ProofOptions, proveFenced } from '../../../client/fence/prove.ts';
import { fencedS3 } from '../../../client/fence/s3.ts';
import { fencedSql, type SqlOptions } from '../../../client/fence/sql.ts';

const term = { fencingVersion: 7 };
/** Fails when anything is sent. */
const untouched = new Proxy({}, { get: () => expect.fail('The option was not checked first'), has: () => false });

describe('an option out of its range is refused before anything is sent, with its name, value and range', () => {
  test.each<[SqlOptions, string]>([
    [{ tries: Number.NaN }, 'tries is NaN: give a whole number from 1 to 100.'],
    [{ tries: 0 }, 'tries is 0'],
    [{ tries: 1.5 }, 'tries is 1.5'],
    [{ tries: Number.POSITIVE_INFINITY }, 'tries is Infinity'],
    [{ idleTimeoutMs: Number.NaN }, 'idleTimeoutMs is NaN'],
    [{ idleTimeoutMs: -1 }, 'idleTimeoutMs is -1: give a whole number from 1 to 2,147,483,647.'],
    [{ isolation: 'serializable; DROP TABLE x' as 'serializable' }, 'isolation is "serializable; DROP TABLE x"'],
  ])('in PostgreSQL: %j', async (options, message) => {
    const refused = fencedSql(untouched as never, 'orders', term, async () => {}, options);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(RangeError);
  });

  test.each([Number.NaN, 0, 101])('in S3: tries %j', async (tries) => {
    const write = fencedS3(untouched as never, { bucket: 'b', key: 'k' }, term, () => 'x', { tries });
    await expect(write).rejects.toThrow(`tries is ${tries}: give a whole number from 1 to 100.`);
  });

  test.each<[ProofOptions, string]>([
    [{ schedules: Number.NaN }, 'schedules is NaN: give a whole number from 1 to 100,000.'],
    [{ schedules: 0 }, 'schedules is 0'],
    [{ seed: 0.5 }, 'seed is 0.5'],
    [{ blockedMs: Number.POSITIVE_INFINITY }, 'blockedMs is Infinity: give a whole number from 1 to 60,000.'],
  ])('in the test kit: %j', async (options, message) => {
    const target = { open: () => expect.fail('opened'), write: async () => {}, read: async () => undefined };
    await expect(proveFenced(target as never, options)).rejects.toThrow(message);
  });
});
