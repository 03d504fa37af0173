import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type LogEntry, type LogStatus, ReplicatedLog, TenureClient } from '../../../client/index.ts';

export function logAt(url: string): ReplicatedLog {
  return new ReplicatedLog({
    client: new TenureClient({ url }),
    group: `log-${randomUUID().slice(0, 8)}`,
    log: 'journal',
  });
}

export async function whenVoting(log: ReplicatedLog, voting: number): Promise<LogStatus> {
  let status = await log.status();
  await expect
    .poll(
      async () => {
        status = await log.status();
        return status.voting;
      },
      { timeout: 120_000, interval: 300 },
    )
    .toBe(voting);
  return status;
}

export async function texts(log: ReplicatedLog, from?: number): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for await (const { position, data } of log.read({ from })) found.set(position, textOf({ position, data }));
  return found;
}

export const textOf = ({ data }: LogEntry) => Buffer.from(data).toString();
