import type { WriterMemory } from '../protocol/append.ts';

const most = 500;

/** What this process remembers of the writers that it appended for; the longest unused ones are forgotten. */
export class WriterMemories {
  readonly #memories = new Map<string, WriterMemory>();

  of({ group, log }: { group: string; log: string }, writerId: string): WriterMemory {
    const key = `${group}/${log}/${writerId}`;
    const memory = this.#memories.get(key) ?? { settlements: new Map() };
    this.#memories.delete(key);
    this.#memories.set(key, memory);
    const [oldest] = this.#memories.keys();
    if (this.#memories.size > most && oldest !== undefined) this.#memories.delete(oldest);
    return memory;
  }
}
