import { GroupCommit } from './protocol/group-commit.ts';
import type { LogParts } from './protocol/log.ts';
import type { WriterMemory } from './protocol/placement.ts';
import type { LogName } from './registered-log.ts';

const most = 500;

export interface RememberedWriter {
  readonly memory: WriterMemory;
  readonly rounds: GroupCommit;
  /** By the configuration that elected the writer: a change of the members ends it. */
  parts?: LogParts | undefined;
}

/** This process's memory of the writers that it appended for; the least recently used are forgotten. */
export class WriterMemories {
  readonly #writers = new Map<string, RememberedWriter>();

  of({ group, log }: LogName, writerId: string): RememberedWriter {
    const key = `${group}/${log}/${writerId}`;
    const writer = this.#writers.get(key) ?? {
      memory: { settlements: new Map() },
      rounds: new GroupCommit(),
    };
    this.#writers.delete(key);
    this.#writers.set(key, writer);
    const [oldest] = this.#writers.keys();
    if (this.#writers.size > most && oldest !== undefined) this.#writers.delete(oldest);
    return writer;
  }
}
