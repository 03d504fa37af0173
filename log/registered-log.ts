import { notFound, ProblemError } from '../api/problem.ts';
import type { LogRegistry, RegisteredLog } from './protocol/registry.ts';

export interface LogName {
  readonly group: string;
  readonly log: string;
}

/** Throws `not_found` for a log that was not created. */
export async function getLogOrThrow(
  registry: Pick<LogRegistry, 'read'>,
  { group, log }: LogName,
): Promise<RegisteredLog> {
  const registered = await registry.read(group, log);
  if (registered) return registered;
  throw new ProblemError(
    notFound,
    `Group "${group}" has no log "${log}"; create it with PUT /v1/groups/${group}/logs/${log}.`,
  );
}
