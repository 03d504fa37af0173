/** An alarm's description: `runbook` is a heading of docs/operations.md. */
export const described = (what: string, runbook: string) => `${what}. Runbook: docs/operations.md, "${runbook}".`;
