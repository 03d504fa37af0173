/** Carries out calls, at most `width` of them at a time; the others wait for their turn. */
export function atMost(width: number) {
  let free = width;
  const waiting: (() => void)[] = [];
  return async <Result>(call: () => Promise<Result>): Promise<Result> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await call();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
