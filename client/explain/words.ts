/** `379 ms`, `12.4 s`, `3 min 20 s`, `4 h 12 min`. */
export function span(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1_000) return `${whole} ms`;
  if (whole < 120_000) return `${(whole / 1_000).toFixed(whole < 10_000 ? 2 : 1)} s`;
  const minutes = Math.floor(whole / 60_000);
  if (minutes < 120) return `${minutes} min ${Math.floor((whole % 60_000) / 1_000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The time of day with milliseconds, UTC; with the day when it is another than that of `now`. */
export function time(at: number, now: number): string {
  const iso = new Date(at).toISOString();
  const isToday = iso.slice(0, 10) === new Date(now).toISOString().slice(0, 10);
  return isToday ? iso.slice(11, 23) : `${iso.slice(0, 10)} ${iso.slice(11, 23)}`;
}

export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}

/** `version 5`, `versions 5 to 7`. */
export function versions(first: number, last: number): string {
  return first === last ? `version ${first}` : `versions ${first} to ${last}`;
}
