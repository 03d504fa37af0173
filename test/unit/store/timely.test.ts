import { expect, test } from 'vitest';
import { timely } from '../../../store/timely.ts';

const failed = (name: string) => Object.assign(new Error(name), { name });

async function tried(errors: (Error | undefined)[]) {
  let time = 1_000;
  const readings: number[] = [];
  const pauses: number[] = [];
  const timing = {
    clock: { now: () => time },
    random: () => 1,
    pause: async (ms: number) => {
      pauses.push(ms);
    },
  };
  const write = async (now: number) => {
    readings.push(now);
    time += 3_000;
    const error = errors[readings.length - 1];
    if (error) throw error;
    return 'written';
  };
  const outcome = await timely(timing, write).catch(({ name }: Error) => name);
  return { outcome, readings, pauses };
}

test('each try has a reading of the clock of its own, and the last one is answered', async () => {
  const lost = failed('TimeoutError');
  expect(await tried([lost, lost, undefined])).toEqual({
    outcome: { answer: 'written', now: 7_000 },
    readings: [1_000, 4_000, 7_000],
    pauses: [50, 100],
  });
});

test('it is tried as often as by the SDK: three times, longer apart when throttled, four times past conflicts', async () => {
  const always = (name: string) => tried(Array.from({ length: 9 }, () => failed(name)));
  expect(await always('TimeoutError')).toMatchObject({ outcome: 'TimeoutError', pauses: [50, 100] });
  expect(await always('ThrottlingException')).toMatchObject({ pauses: [1_000, 2_000] });
  expect(await always('TransactionConflictException')).toMatchObject({ pauses: [50, 100, 200] });
});

test('an error that is no outage is thrown at once', async () => {
  expect(await tried([failed('ValidationException')])).toMatchObject({ outcome: 'ValidationException', pauses: [] });
});
