import { catalogue } from '../api/catalogue.ts';
import type { Operation } from '../api/operation.ts';
import { platformProblems } from '../api/problem.ts';

/** docs/problems.md: every problem code with its cause and remedy. */
export function problemsPage(): string {
  const declared = Object.values<Operation>(catalogue).flatMap(({ problems }) => problems);
  const kinds = new Map([...platformProblems, ...declared].map((kind) => [kind.code, kind]));
  const rows = [...kinds.values()]
    .toSorted((one, other) => one.status - other.status || one.code.localeCompare(other.code))
    .map(
      ({ code, status, retryable, title, remedy }) =>
        `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${title}. | ${remedy} |`,
    );
  return `# Problems

Every answer that is not a success is an RFC 9457 problem (\`application/problem+json\`). Its \`code\` is one of these; \`detail\`
names the thing, both values and what to do next. "Again" says whether the very same request, with the same Idempotency-Key,
can succeed later; \`retryAfterMs\` says when.

| code | status | again | cause | remedy |
|---|---|---|---|---|
${rows.join('\n')}

Errors of API Gateway itself have no problem body; the client reports them as \`forbidden\` (403), \`throttled\` (429) and
\`unavailable\` (503, 504). The page is written by \`npm run openapi\`.
`;
}
