/** When a schedule is due. Instants are epoch ms, UTC. */
export interface Occurrences {
  /** The first instant strictly after this one, or undefined when there is none any more. */
  next(after: number): number | undefined;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const units: Record<string, number> = { minute: minuteMs, hour: 60 * minuteMs, day: dayMs };

/**
 * Reads a schedule expression of EventBridge: `rate(5 minutes)`, counted from `start`, `cron(0 12 * * ? *)` or
 * `at(2026-01-01T00:00:00)`. Throws for one that EventBridge would refuse too.
 */
export function occurrencesOf(expression: string, start: number): Occurrences {
  const [, kind, argument = ''] = /^(rate|cron|at)\((.*)\)$/.exec(expression.trim()) ?? [];
  if (kind === 'rate') return everyPeriod(expression, argument, start);
  if (kind === 'cron') return cron(expression, argument);
  if (kind === 'at') return once(expression, argument);
  throw new Error(`The schedule expression "${expression}" is none of rate(…), cron(…), at(…)`);
}

function everyPeriod(expression: string, argument: string, start: number): Occurrences {
  const [, count, unit = '', plural] = /^(\d+) (minute|hour|day)(s?)$/.exec(argument) ?? [];
  const period = Number(count) * (units[unit] ?? Number.NaN);
  if (!(period > 0) || (count === '1') !== (plural === '')) {
    throw new Error(`"${expression}": write rate(1 minute) or rate(N minutes), hours or days`);
  }
  return { next: (after) => start + Math.max(1, Math.floor((after - start) / period) + 1) * period };
}

function once(expression: string, argument: string): Occurrences {
  const instant = Date.parse(`${argument}Z`);
  if (Number.isNaN(instant)) throw new Error(`"${expression}": write at(yyyy-mm-ddThh:mm:ss)`);
  return { next: (after) => (after < instant ? instant : undefined) };
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

function cron(expression: string, argument: string): Occurrences {
  const fields = argument.trim().split(/\s+/);
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', year = ''] = fields;
  const fail = (why: string): never => {
    throw new Error(`"${expression}": ${why}`);
  };
  if (fields.length !== 6) fail('cron has six fields: minutes hours day-of-month month day-of-week year');
  if ((dayOfMonth === '?') === (dayOfWeek === '?')) fail('exactly one of day-of-month and day-of-week must be ?');
  const minutes = numbers(minute, 0, 59, [], fail);
  const hours = numbers(hour, 0, 23, [], fail);
  const inMonth = new Set(numbers(month, 1, 12, months, fail));
  const inYear = new Set(numbers(year, 1970, 2199, [], fail));
  const onDay = dayOfWeek === '?' ? daysOfMonth(dayOfMonth, fail) : daysOfWeek(dayOfWeek, fail);
  return {
    next(after) {
      for (let day = Math.floor(after / dayMs) * dayMs; new Date(day).getUTCFullYear() <= 2199; day += dayMs) {
        const date = new Date(day);
        if (!inYear.has(date.getUTCFullYear()) || !inMonth.has(date.getUTCMonth() + 1) || !onDay(date)) continue;
        for (const h of hours) {
          const found = minutes.find((m) => day + (h * 60 + m) * minuteMs > after);
          if (found !== undefined) return day + (h * 60 + found) * minuteMs;
        }
      }
      return undefined;
    },
  };
}

type Fail = (why: string) => never;

/** A field's values, ascending: lists, ranges, steps and names. Names count from `min`. */
function numbers(field: string, min: number, max: number, names: string[], fail: Fail): number[] {
  const found = new Set<number>();
  const one = (text: string): number => {
    const named = names.indexOf(text.toUpperCase());
    const value = named >= 0 ? named + min : /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : fail(`${text} is not between ${min} and ${max}`);
  };
  for (const part of field.split(',')) {
    const [range = '', step] = part.split('/');
    const [first = '', last] = range.split('-');
    const from = range === '*' ? min : one(first);
    const to = range === '*' ? max : last !== undefined ? one(last) : step !== undefined ? max : from;
    const stride = step === undefined ? 1 : Number(step);
    if (!(stride >= 1)) fail(`/${step} is no step`);
    for (let value = from; value <= to; value += stride) found.add(value);
  }
  return [...found].sort((left, right) => left - right);
}

function daysOfMonth(field: string, fail: Fail): (date: Date) => boolean {
  if (field === 'L') return (date) => date.getUTCDate() === lastDay(date);
  const [, nearest] = /^(\d+)W$/.exec(field) ?? [];
  if (nearest) return (date) => date.getUTCDate() === nearestWeekday(date, Number(nearest));
  const days = new Set(numbers(field, 1, 31, [], fail));
  return (date) => days.has(date.getUTCDate());
}

/** Sunday is 1. */
function daysOfWeek(field: string, fail: Fail): (date: Date) => boolean {
  if (field === 'L') return (date) => date.getUTCDay() === 6;
  const [, name = '', place] = /^(\w+?)(L|#[1-5])$/.exec(field) ?? [];
  if (place) {
    const [weekday = 0] = numbers(name, 1, 7, weekdays, fail);
    return (date) => {
      if (date.getUTCDay() + 1 !== weekday) return false;
      const day = date.getUTCDate();
      return place === 'L' ? day + 7 > lastDay(date) : Math.ceil(day / 7) === Number(place.slice(1));
    };
  }
  const days = new Set(numbers(field, 1, 7, weekdays, fail));
  return (date) => days.has(date.getUTCDay() + 1);
}

function lastDay(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

/** The weekday closest to a day, within the same month. */
function nearestWeekday(date: Date, day: number): number {
  const target = Math.min(day, lastDay(date));
  const weekday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), target)).getUTCDay();
  if (weekday === 6) return target === 1 ? 3 : target - 1;
  if (weekday === 0) return target === lastDay(date) ? target - 2 : target + 1;
  return target;
}
