import type { Need } from './needs.ts';
import { covers, type Grants } from './roles.ts';

export class AccessDeniedError extends Error {
  override name = 'AccessDeniedException';
}

/**
 * Refuses what a deployed function, state machine or schedule would be refused: each of its requests, and each by a URL
 * that it presigned, is held against the role that the template gives it. A function is known by its session token,
 * which is its name; the others by the end of their ARN. Requests without either pass.
 */
export class PermissionGuard {
  /** One line for each kind of request that was refused. */
  readonly refusals = new Set<string>();

  constructor(private grants: Grants = new Map()) {}

  /** From now on these are the grants; before, no function may do anything. */
  enforce(grants: Grants): void {
    this.grants = grants;
  }

  /** @throws AccessDeniedError */
  require(caller: string | undefined, needs: readonly Need[]): void {
    if (caller === undefined) return;
    const grants = this.grants.get(caller) ?? [];
    const missing = needs.filter((need) => !covers(grants, need));
    const lines = missing.map(({ action, resource }) => `${caller} is not allowed ${action} on ${resource}`);
    for (const line of lines) this.refusals.add(line.replace(/\/(groups|backups)\/.*/, '/$1/…'));
    if (lines[0]) throw new AccessDeniedError(lines[0]);
  }
}
