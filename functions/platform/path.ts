import { invalidRequest, ProblemError } from '../../api/problem.ts';

/**
 * The caller was authorised for the path that API Gateway decoded, and the address made of it is parsed once more:
 * `..`, `\`, a tab, `?` or a second escape in it would reach another group. Throws `invalid_request` unless both name
 * the same path.
 */
export function requireSamePath(authorised: string, address: string): void {
  if (decoded(new URL(address).pathname) === authorised) return;
  const message = 'holds characters or segments that stand for another path';
  throw new ProblemError(invalidRequest, `The path ${JSON.stringify(authorised)} ${message}; nothing was written.`, {
    issues: [{ path: '', message }],
  });
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
