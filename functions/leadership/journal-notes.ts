/** From the outcome of a request to its note in the journal. Pure. */
import type { Deed } from '../../api/deeds.ts';
import type { Outcome } from '../platform/http.ts';

/** Sightings of contenders are written once a minute; refusals and orders within a second. */
export type Note =
  | { readonly kind: 'refused'; readonly code: string; readonly fencingVersion: number; readonly request: string }
  | { readonly kind: 'waiting'; readonly contenderId: string }
  | { readonly kind: 'happened'; readonly what: Deed; readonly details: Readonly<Record<string, Detail>> };

type Detail = string | number | boolean;

/** The answers to a request whose term, or whose election as a writer, is over. */
const lost = new Set(['leadership_lost', 'fenced', 'exclusivity_lost']);
const held = new Set(['leadership_held', 'group_restoring']);
const longestDetail = 80;

/** Undefined for most: a renewal that succeeds leaves nothing. */
export function noteOf({ operation, params, query, body, fence, answer, problem }: Outcome): Note | undefined {
  const { waiting } = query as { readonly waiting?: string };
  if (waiting !== undefined) return { kind: 'waiting', contenderId: waiting };
  if (problem) {
    const { contenderId } = body as { readonly contenderId?: string };
    if (held.has(problem.code) && contenderId !== undefined) return { kind: 'waiting', contenderId };
    if (!lost.has(problem.code)) return undefined;
    const fencingVersion = fence?.fencingVersion ?? 0;
    const isFenced = fence !== undefined || problem.code === 'exclusivity_lost';
    return isFenced
      ? { kind: 'refused', code: problem.code, fencingVersion, request: requestOf(operation, params) }
      : undefined;
  }
  const { journals } = operation;
  if (!journals || (body as { readonly dryRun?: boolean }).dryRun) return undefined;
  const members = { ...(answer as object), ...(body as object), ...(params as object) } as Record<string, unknown>;
  const version = fence && { fencingVersion: fence.fencingVersion };
  const details = {
    ...Object.fromEntries(journals.members.flatMap((name) => detail(name, members[name]))),
    ...version,
  };
  return { kind: 'happened', what: journals.as, details };
}

/** Of a list its length. */
function detail(name: string, value: unknown): [string, Detail][] {
  if (typeof value === 'number') return [[name, value]];
  if (typeof value === 'string') return [[name, value.slice(0, longestDetail)]];
  if (Array.isArray(value)) return [[name, value.length]];
  return value === true ? [[name, true]] : [];
}

/** `POST jobs/totals/checkpoints`: the job and the log by name, whatever else there are many of by its kind. */
function requestOf({ method, path }: Outcome['operation'], params: unknown): string {
  const { job, log } = params as { readonly job?: string; readonly log?: string };
  const below = path.split('/{group}/')[1] ?? path;
  return `${method} ${below.replace('{job}', job ?? '').replace('{log}', log ?? '')}`;
}
