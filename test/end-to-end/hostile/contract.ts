import { expect } from 'vitest';
import { catalogue } from '../../../api/catalogue.ts';
import type { Operation } from '../../../api/operation.ts';
import { type ProblemKind, platformProblems } from '../../../api/problem.ts';
import type { FuzzedRequest } from '../../support/fuzz/requests.ts';
import type { RawAnswer } from '../../support/fuzz/send.ts';

const every = [...platformProblems, ...Object.values<Operation>(catalogue).flatMap(({ problems }) => problems)];

export const isRefused = ({ status }: RawAnswer) => status >= 400;

/** The gateway's own responses, before a function is invoked. */
const gatewayAnswers = [400, 413, 431];

/**
 * An answer is what the operation declares: its body by its schema, or one of its problems with all members. Never a
 * 500, and a 5xx only where it is declared and can be tried again. A trick in the path can lead to another route: then
 * any declared problem will do.
 */
export function expectContract(operation: Operation, request: FuzzedRequest, answer: RawAnswer): void {
  const { status, type, text } = answer;
  const context = `${request.method} ${request.path} ${JSON.stringify(request.headers)} ${Buffer.from(
    request.body ?? [],
  )
    .toString()
    .slice(0, 500)} → ${status} ${text.slice(0, 800)}`;
  const rerouted = request.tricks.includes('path');
  if (!isRefused(answer)) {
    if (rerouted) return;
    expect([200, operation.status ?? 200], context).toContain(status);
    const read = operation.answer.safeParse(JSON.parse(text));
    expect(read.error?.issues ?? [], context).toEqual([]);
    return;
  }
  if (gatewayAnswers.includes(status) && !type.startsWith('application/problem+json')) return;
  expect(type, context).toContain('application/problem+json');
  const problem = JSON.parse(text) as Record<string, unknown>;
  const kinds: readonly ProblemKind[] = rerouted ? every : [...platformProblems, ...operation.problems];
  const kind = kinds.find(({ code }) => code === problem['code']);
  expect(kind, `${context}: this code is not declared`).toBeDefined();
  expect(problem, context).toMatchObject({
    type: `urn:tenure:${kind?.code}`,
    title: kind?.title,
    status: kind?.status,
    detail: expect.stringMatching(/\S/),
    retryable: kind?.retryable,
  });
  expect(problem['code'], context).not.toBe('internal');
  if (problem['code'] === 'invalid_request')
    expect(problem['issues'], context).toEqual(
      expect.arrayContaining([{ path: expect.any(String), message: expect.any(String) }]),
    );
}
