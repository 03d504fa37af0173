import { Option } from 'commander';
import { UsageError } from './exit.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The values that an option accepts, as people write them. */
interface Range {
  readonly least: string;
  readonly most: string;
}

/**
 * Reads `15s`, `1500ms`, `2m`, `1h`, `7d` as ms; a number without a unit is refused, because nobody remembers which it
 * would be.
 */
export function readDuration(option: string, range?: Range): (text: string) => number {
  return (text) => {
    const ms = msOf(text);
    if (ms === undefined)
      throw new UsageError(`${option} is "${text}": give a duration like 15s, 1500ms, 2m, 1h or 7d.`);
    if (range && (ms < (msOf(range.least) ?? 0) || ms > (msOf(range.most) ?? 0))) {
      throw new UsageError(`${option} is ${text}: give ${range.least} to ${range.most}.`);
    }
    return ms;
  };
}

function msOf(text: string): number | undefined {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Number(amount) * (units[unit] ?? Number.NaN);
  return amount !== '' && Number.isInteger(ms) ? ms : undefined;
}

/** An option like `--lease <duration>` with its default as people write it. */
export function durationOption(flags: string, description: string, fallback: string, range?: Range): Option {
  const read = readDuration(flags.split(' ')[0] ?? flags, range);
  return new Option(flags, description).argParser(read).default(read(fallback), fallback);
}
