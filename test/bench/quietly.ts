const show = process.stdout.write.bind(process.stdout);
let running = 0;

/** Handlers' logs are made and written as usual, and not shown. */
export async function quietly<Answer>(act: () => Promise<Answer>): Promise<Answer> {
  running += 1;
  process.stdout.write = () => true;
  try {
    return await act();
  } finally {
    running -= 1;
    if (running === 0) process.stdout.write = show;
  }
}
