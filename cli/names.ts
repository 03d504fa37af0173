import { name } from '../api/schema.ts';
import { UsageError } from './exit.ts';

/**
 * Checks a name that somebody typed as `what`, an option, an argument or a variable; `suffix` will be added to it.
 * @throws UsageError that says which characters it may have.
 */
export function checkedName(what: string, text: string, suffix = ''): string {
  if (name.safeParse(text + suffix).success) return text;
  throw new UsageError(
    `${what} is "${text}": use letters, digits, ".", "_" and "-", beginning with a letter or digit, at most ${128 - suffix.length} characters.`,
  );
}

/** A table that exists or shall, typed as `what`: DynamoDB's own rule. */
export function checkedTable(what: string, text: string): string {
  if (/^[A-Za-z0-9_.-]{3,255}$/.test(text)) return text;
  throw new UsageError(
    `${what} is "${text}": a table has 3 to 255 letters, digits, ".", "_" and "-" in its name, or give its ARN.`,
  );
}

/** Names of groups, and `team-*` for all that begin alike. */
export const checkedGroups = (texts: readonly string[]): string[] =>
  texts.map((text) =>
    text.endsWith('*') ? `${checkedName('--group', text.slice(0, -1))}*` : checkedName('--group', text),
  );
