import { subjects } from '../api/catalogue.ts';
import type { Operation } from '../api/operation.ts';

/** docs/api.md: every operation of the HTTP API by subject. */
export function routesPage(): string {
  const parts = subjects.map(({ name, description, operations }) => {
    const rows = Object.entries(operations).map(([id, operation]) => rowOf(id, operation));
    return `## ${name}\n\n${description}.\n\n| operation | request | does | success | callers |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# The HTTP API

Every operation by subject. Names in the first column are those of \`operations\` in the library:
\`client.call(operations.observe, …)\`. The [OpenAPI document](openapi.json) has bodies and responses;
[Problems](problems.md) has what is refused, [Permissions](permissions.md) the policies of the callers. The page is
written by \`npm run openapi\`.

A request marked with ● needs the headers \`Fencing-Version\` and \`Leader-Session\` of a term; ○ may have them.

${parts.join('\n')}`;
}

function rowOf(id: string, { method, path, summary, fence, status = 200, otherStatuses = [], callers }: Operation) {
  const mark = fence === 'required' ? ' ●' : fence === 'optional' ? ' ○' : '';
  const statuses = [status, ...otherStatuses].join(', ');
  return `| \`${id}\` | \`${method} ${path}\`${mark} | ${summary} | ${statuses} | ${callers.join(', ') || 'any'} |`;
}
