/**
 * The size of an item by AWS's rule, in bytes: names count, a number has about a byte for two digits, and each element
 * of a map or list one more.
 */
export function itemSize(item: Readonly<Record<string, unknown>>): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueSize(value), 0);
}

function valueSize(value: unknown): number {
  if (value === null || typeof value === 'boolean') return 1;
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return Math.ceil(String(Math.abs(value)).length / 2) + (value < 0 ? 2 : 1);
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + 1 + valueSize(one), 3);
  const entries = Object.entries(value as Record<string, unknown>);
  return entries.reduce((sum, [name, one]) => sum + 1 + Buffer.byteLength(name) + valueSize(one), 3);
}
