/** Requests that are refused whatever their operation does. */
import type { Operation } from '../../api/operation.ts';
import { methodNotAllowed, notFound, ProblemError, unavailable } from '../../api/problem.ts';

interface Asked {
  readonly method: string;
  readonly path: string;
}

/** No operation has the path, or none with this method. */
export function unroutable({ method, path }: Asked, operations: readonly Operation[]): ProblemError {
  const allowed = operations.filter((known) => matches(known.path, path)).map((known) => known.method);
  if (allowed.length === 0)
    return new ProblemError(notFound, `There is no route ${path}; see /v1/openapi.json for those there are.`);
  const allow = [...new Set(allowed)].join(', ');
  return new ProblemError(methodNotAllowed, `${path} takes ${allow}, not ${method}.`, { allow });
}

function matches(pathTemplate: string, path: string): boolean {
  const expected = pathTemplate.split('/');
  const actual = path.split('/');
  return (
    expected.length === actual.length &&
    expected.every((part, at) => (part.startsWith('{') ? actual[at] !== '' : part === actual[at]))
  );
}

export function tooLate(method: Operation['method'], budgetMs: number): ProblemError {
  const outcome = method === 'GET' ? 'nothing was changed' : 'whether the request was carried out is not known';
  const next = method === 'GET' ? 'try again' : 'try again with the same Idempotency-Key';
  const detail = `The stores did not answer within ${Math.round(budgetMs / 1000)} s: ${outcome}; ${next}.`;
  return new ProblemError(unavailable, detail, {
    outcome: method === 'GET' ? 'unchanged' : 'unknown',
    retryAfterMs: 1_000,
  });
}
