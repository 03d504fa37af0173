/** Another one comes first each minute: none finds the time used up by the same others for ever. */
export function inTurn<Item>(items: readonly Item[], now: number): Item[] {
  const first = Math.floor(now / 60_000) % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
