import { name } from '../api/schema.ts';
import { UsageError } from './exit.ts';

/**
 * Checks a name that somebody typed as `what`, an option or an argument. @throws UsageError that says which characters
 * it may have.
 */
export function checkedName(what: string, text: string): string {
  if (name.safeParse(text).success) return text;
  throw new UsageError(
    `${what} is "${text}": use letters, digits, ".", "_" and "-", beginning with a letter or digit, at most 128 characters.`,
  );
}
