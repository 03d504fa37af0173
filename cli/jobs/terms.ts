import { type Command, InvalidArgumentError } from 'commander';
import type { LeadingTerm } from '../../client/jobs/leading-term.ts';
import type { TenureClient } from '../../client/tenure-client.ts';
import { type ConnectionOptions, connect, fenceFrom } from '../connection.ts';
import type { Shell } from '../shell.ts';

export interface GroupOptions extends ConnectionOptions {
  group: string;
}

/** The term of the `tenure lead` that runs this command. @throws UsageError without one, or when it is incomplete. */
export async function termOf({ group }: GroupOptions, shell: Shell): Promise<LeadingTerm> {
  fenceFrom(shell);
  const { termFromEnvironment } = await import('../../client/jobs/leading-term.ts');
  return termFromEnvironment({ ...shell.env, TENURE_GROUP: group });
}

/** The service, and the term as above. */
export async function connectAsLeader(
  options: GroupOptions,
  shell: Shell,
): Promise<{ client: TenureClient; term: LeadingTerm }> {
  const term = await termOf(options, shell);
  return { client: await connect(options, shell), term };
}

/** Adds `--metadata`. */
export function withMetadata(command: Command): Command {
  return command.option('--metadata <json>', 'a JSON object to keep with it, at most 160 bytes', readMetadata);
}

function readMetadata(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below, like everything else that is no JSON object.
  }
  throw new InvalidArgumentError('It must be a JSON object, for instance \'{"lines": 12}\'.');
}

export function readWhole(most: number, least = 1): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^(0|[1-9]\d*)$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
