/** Figures as people read them; each keeps its width while it changes. */

/** `0.4 s`, `12 s`, `3 min 20 s`, `4 h 12 min`, `9 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(Math.floor(seconds % 60))} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Whole seconds, for what counts up or down once a second. */
export function ticking(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 60 ? `${seconds} s` : duration(seconds * 1000);
}

/** A duration for a narrow column: `12 s`, `9 min`, `4 h`, `3 d`. */
export function brief(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** The time between two things that happen again and again: `0.4 s`, `12 s`, `9 min`, `4 h`. */
export function interval(ms: number): string {
  return ms < 10_000 ? duration(ms) : brief(ms);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log2(count) / 10));
  return power === 0 ? `${count} B` : `${(count / 1024 ** power).toFixed(1)} ${units[power]}`;
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `12:03:11` today, `28 Nov 12:03` before; UTC, as the command line and the logs have it. */
export function clock(instant: string | number, now: number): string {
  const at = new Date(instant);
  const iso = at.toISOString();
  if (now - at.getTime() < 20 * 3_600_000) return iso.slice(11, 19);
  const month = at.toLocaleString('en-GB', { month: 'short', timeZone: 'UTC' });
  return `${at.getUTCDate()} ${month} ${iso.slice(11, 16)}`;
}

/** One word for a shell. */
export function shellWord(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
