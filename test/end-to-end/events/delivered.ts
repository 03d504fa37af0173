import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import { details, type EventType } from '../../../api/events.ts';
import type { StackDescription } from '../../support/stack.ts';

interface Delivered {
  type: EventType;
  detail: { id: string; sequence: string; group: string; version: number } & Record<string, unknown>;
}

const lines = async (file: string) => (await readFile(file, 'utf8').catch(() => '')).split('\n').filter(Boolean);

/** Every event of Tenure that the bus has had, in the order of their arrival; each is what its schema says. */
export async function delivered(
  { eventsFile }: Pick<StackDescription, 'eventsFile'>,
  group?: string,
): Promise<Delivered[]> {
  const events = (await lines(eventsFile)).map((line) => JSON.parse(line)).filter(({ source }) => source === 'tenure');
  return events
    .map((event): Delivered => ({ type: event['detail-type'], detail: event.detail }))
    .map(({ type, detail }) => ({ type, detail: details[type].parse(detail) as Delivered['detail'] }))
    .filter(({ detail }) => group === undefined || detail.group === group);
}

/** Waits until events of these types are there. */
export async function whenDelivered(
  stack: StackDescription,
  group: string,
  ...types: EventType[]
): Promise<Delivered[]> {
  return vi.waitFor(
    async () => {
      const events = await delivered(stack, group);
      const missing = types.filter((type) => !events.some((event) => event.type === type));
      if (missing.length > 0) throw new Error(`Not heard yet: ${missing.join(', ')}`);
      return events;
    },
    { timeout: 60_000, interval: 100 },
  );
}

const functionLog = ({ logs, functions }: StackDescription) =>
  join(logs, `${functions.find((name) => /Serviceevents/.test(name))}.log`);

/** The function's log lines with this message. */
export async function logged(stack: StackDescription, message: string): Promise<Record<string, unknown>[]> {
  const all = (await lines(functionLog(stack))).filter((line) => line.startsWith('{'));
  return all.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['message'] === message);
}

/** The messages of the queue where failures go. */
export async function failures({ eventsFile }: StackDescription): Promise<Record<string, unknown>[]> {
  const folder = join(dirname(eventsFile), 'queues');
  const files = await readdir(folder).catch(() => []);
  const messages = await Promise.all(files.map((file) => lines(join(folder, file))));
  return messages.flat().map((line) => JSON.parse(JSON.parse(line).body) as Record<string, unknown>);
}
