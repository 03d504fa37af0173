/**
 * Requests of one writer that come while a round is under way share the next one: the sequencer hands out one slot to
 * all of them in one write, and one round of the replicas carries it. Design: docs/design/log.md, "Group
 * commit".
 */
import { type Appended, append } from './append.ts';
import { appendTogether } from './append-together.ts';
import type { LogParts } from './log.ts';
import type { AppendRequest, WriterMemory } from './placement.ts';
import { slotBytes, slotEntries } from './replica.ts';

interface Waiting {
  readonly request: AppendRequest;
  resolve(appended: Appended): void;
  reject(error: unknown): void;
}

/** The rounds of one writer in one process. */
export class GroupCommit {
  readonly #waiting: Waiting[] = [];
  #running = false;

  /** The same as `append`, in a round that it may share. The parts are those of the writer's configuration. */
  append(parts: LogParts, memory: WriterMemory, request: AppendRequest): Promise<Appended> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      if (!this.#running) void this.#run(parts, memory);
    });
  }

  async #run(parts: LogParts, memory: WriterMemory): Promise<void> {
    this.#running = true;
    try {
      while (this.#waiting.length > 0) {
        await round(parts, memory, this.#take());
        // A caller that was just answered may ask again in the same moment: then the next round carries that, too.
        await parts.timer.sleep(0);
      }
    } finally {
      this.#running = false;
    }
  }

  /** The next ones that fit into a round; a truncation has one of its own, and so has a request that is there twice. */
  #take(): Waiting[] {
    const taken: Waiting[] = [];
    let entries = 0;
    let bytes = 0;
    for (const { request } of this.#waiting) {
      entries += entriesOf(request).length;
      bytes += bytesOf(request);
      const alone = request.content.type === 'TRUNCATE' || taken.some((one) => isSame(one.request, request));
      if (taken.length > 0 && (alone || entries > slotEntries || bytes > slotBytes)) break;
      taken.push(this.#waiting[taken.length] as Waiting);
      if (alone) break;
    }
    this.#waiting.splice(0, taken.length);
    return taken;
  }
}

async function round(parts: LogParts, memory: WriterMemory, taken: readonly Waiting[]): Promise<void> {
  const requests = taken.map(({ request }) => request);
  try {
    const [only] = requests;
    const appended =
      requests.length === 1 && only
        ? [await append(parts, memory, only)]
        : await appendTogether(parts, memory, requests);
    for (const [at, one] of taken.entries()) one.resolve(appended[at] ?? { outcomeUnknown: true });
  } catch (error) {
    for (const one of taken) one.reject(error);
  }
}

function isSame(one: AppendRequest, other: AppendRequest): boolean {
  return one.requestId === other.requestId;
}

function entriesOf({ content }: AppendRequest): readonly Uint8Array[] {
  return content.type === 'APPEND' ? content.entries : [];
}

function bytesOf(request: AppendRequest): number {
  return entriesOf(request).reduce((sum, { length }) => sum + length, 0);
}
