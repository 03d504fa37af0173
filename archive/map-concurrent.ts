/**
 * Maps with at most `width` calls at a time; the results keep the order. The first failure is thrown once nothing runs
 * any more.
 */
export async function mapConcurrent<Item, Result>(
  items: Iterable<Item>,
  width: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  const queue = [...items].entries();
  const work = async () => {
    for (const [at, item] of queue) {
      try {
        results[at] = await map(item);
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  if (failures.length > 0) throw failures[0];
  return results;
}
