/** Which rows of a long list are on the screen. */
export interface Window {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

const beyond = 6;

export function windowOf(count: number, rowHeight: number, scrollTop: number, height: number): Window {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - beyond);
  return { first: Math.min(first, count), end: Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + beyond) };
}

/** The scroll position, as close to the present one as it can be, at which the row is seen whole. */
export function scrollTo(row: number, rowHeight: number, scrollTop: number, height: number): number {
  if (row * rowHeight < scrollTop) return row * rowHeight;
  return Math.max(scrollTop, (row + 1) * rowHeight - height);
}
