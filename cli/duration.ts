import { Option } from 'commander';
import { UsageError } from './exit.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads `15s`, `1500ms`, `2m`, `1h` as ms; a number without a unit is refused, because nobody remembers which it would be. */
export function readDuration(option: string): (text: string) => number {
  return (text) => {
    const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
    const ms = Number(amount) * (units[unit] ?? Number.NaN);
    if (amount !== '' && Number.isInteger(ms)) return ms;
    throw new UsageError(`${option} is "${text}": give a duration like 15s, 1500ms, 2m or 1h.`);
  };
}

/** An option like `--lease <duration>` with its default as people write it. */
export function durationOption(flags: string, description: string, fallback: string): Option {
  const read = readDuration(flags.split(' ')[0] ?? flags);
  return new Option(flags, description).argParser(read).default(read(fallback), fallback);
}
