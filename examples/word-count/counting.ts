import { open } from 'node:fs/promises';

/** How far a count has come: everything before `offset` is in `counts`. */
export interface State {
  readonly offset: number;
  readonly counts: Readonly<Record<string, number>>;
}

export const beginning: State = { offset: 0, counts: {} };

/** Counts the words of the next stretch, up to the last whole line in it; undefined at the end of the file. */
export async function countOn(path: string, { offset, counts }: State, stretch: number): Promise<State | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(stretch), 0, stretch, offset);
    if (bytesRead === 0) return undefined;
    const end = bytesRead < stretch ? bytesRead : buffer.lastIndexOf('\n') + 1;
    if (end === 0) throw new Error(`${path} has a line of more than ${stretch} bytes at ${offset}`);
    const more: Record<string, number> = { ...counts };
    for (const word of buffer.toString('utf8', 0, end).split(/\s+/)) {
      if (word !== '') more[word] = (more[word] ?? 0) + 1;
    }
    return { offset: offset + end, counts: more };
  } finally {
    await file.close();
  }
}
