import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Execution, HistoryEvent, Machine } from './model.ts';

/** Where state machines, executions and their histories are kept. */
export interface Store {
  machines(): Promise<Machine[]>;
  saveMachines(machines: Machine[]): Promise<void>;
  executions(): Promise<Execution[]>;
  /** Writes down the execution with the events that are new; on return both, or after a crash neither, will be read. */
  save(execution: Execution, newEvents: HistoryEvent[]): Promise<void>;
  events(execution: Execution): Promise<HistoryEvent[]>;
  remove(execution: Execution): Promise<void>;
  /** The key that signs task tokens, the same over restarts. */
  key(): Promise<Buffer>;
}

export function memoryStore(): Store {
  const key = randomBytes(32);
  const histories = new Map<string, HistoryEvent[]>();
  return {
    machines: async () => [],
    saveMachines: async () => {},
    executions: async () => [],
    async save({ arn }, newEvents) {
      const history = histories.get(arn) ?? [];
      history.push(...newEvents);
      histories.set(arn, history);
    },
    events: async ({ arn }) => histories.get(arn) ?? [],
    async remove({ arn }) {
      histories.delete(arn);
    },
    key: async () => key,
  };
}

/**
 * Two files per execution: `.json`, replaced as a whole, and `.ndjson` with its events, of which `eventCount` count.
 */
export async function folderStore(folder: string): Promise<Store> {
  const executionFolder = join(folder, 'executions');
  const machineFile = join(folder, 'state-machines.json');
  await mkdir(executionFolder, { recursive: true });

  const fileOf = ({ arn }: Execution, ending: 'json' | 'ndjson') =>
    join(executionFolder, `${createHash('sha256').update(arn).digest('hex').slice(0, 32)}.${ending}`);

  async function events(execution: Execution): Promise<HistoryEvent[]> {
    const lines = (await readFile(fileOf(execution, 'ndjson'), 'utf8')).split('\n');
    return lines.slice(0, execution.eventCount).map((line) => JSON.parse(line) as HistoryEvent);
  }

  return {
    machines: async () => JSON.parse((await readIfThere(machineFile)) ?? '[]') as Machine[],
    saveMachines: (machines) => replace(machineFile, JSON.stringify(machines)),
    async executions() {
      const found: Execution[] = [];
      for (const name of await readdir(executionFolder)) {
        if (!name.endsWith('.json')) continue;
        const execution = await readExecution(join(executionFolder, name));
        // Events that were written without their execution (a crash between the two) are not part of the history.
        if (execution.status === 'RUNNING') await replace(fileOf(execution, 'ndjson'), lines(await events(execution)));
        found.push(execution);
      }
      return found;
    },
    async save(execution, newEvents) {
      const history = fileOf(execution, 'ndjson');
      if (newEvents[0]?.id === 1) await writeFile(history, lines(newEvents));
      else if (newEvents.length > 0) await appendFile(history, lines(newEvents));
      await replace(fileOf(execution, 'json'), JSON.stringify(execution));
    },
    events,
    async remove(execution) {
      await rm(fileOf(execution, 'json'), { force: true });
      await rm(fileOf(execution, 'ndjson'), { force: true });
    },
    async key() {
      const file = join(folder, 'token-key');
      const known = await readIfThere(file);
      if (known !== undefined) return Buffer.from(known, 'hex');
      const key = randomBytes(32);
      await writeFile(file, key.toString('hex'), { mode: 0o600 });
      return key;
    },
  };
}

function lines(events: HistoryEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

async function readExecution(file: string): Promise<Execution> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Execution;
  } catch (cause) {
    throw new Error(`${file} holds no execution: remove it, or keep the state elsewhere with --data`, { cause });
  }
}

async function replace(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
