/**
 * The operations of the contract over a group's record, whatever carries them: the service answers HTTP requests with
 * them, a client in direct mode calls them in its own process.
 */
import type * as z from 'zod/mini';
import * as schema from '../api/operations/leadership.ts';
import { invalidRequest, ProblemError } from '../api/problem.ts';
import { instant } from '../store/clock.ts';
import { fromCursor, toCursor } from '../store/cursor.ts';
import { publishAddress, withdrawAddress } from './addresses.ts';
import { contend } from './contend.ts';
import type { GroupStore } from './group-table.ts';
import { handOverView, toLeadershipView, toTermView } from './history.ts';
import { termPrefix } from './keys.ts';
import { confirm, handOver, type Leadership, renew, resign, revoke } from './leadership.ts';
import { relationIssue } from './lease.ts';
import { type Performed, perform } from './performed.ts';
import { observe, type Watches, watch } from './watch.ts';

/** Every one of them: all that a table can carry out. */
export const leadershipOperations = (leadership: Leadership, groups: GroupStore): Performed[] => [
  ...contendOperations(leadership),
  ...leaseOperations(leadership),
  ...observeOperations(leadership),
  ...operateOperations(leadership, groups),
];

export function contendOperations(leadership: Leadership): Performed[] {
  return [
    perform(schema.contend, async ({ params, body, requestId }) => {
      refuseRelation(body.leaseMs, leadership);
      const term = await contend(leadership, params.group, body, requestId);
      return { ...term, expiresAt: instant(term.expiresAt) };
    }),
  ];
}

export function leaseOperations(leadership: Leadership): Performed[] {
  return [
    perform(schema.confirm, async ({ params, fence, body }) => {
      const { confirmedAt, expiresAt } = await confirm(leadership, params.group, fence, body);
      return { confirmedAt: instant(confirmedAt), expiresAt: instant(expiresAt) };
    }),
    perform(schema.renew, async ({ params, fence, body }) => {
      if (body.leaseMs !== undefined) refuseRelation(body.leaseMs, leadership);
      const { expiresAt, handOverTo } = await renew(leadership, params.group, fence, body);
      return { expiresAt: instant(expiresAt), ...handOverView(handOverTo) };
    }),
    perform(schema.resign, async ({ params, fence, body, requestId }) => {
      await resign(leadership, params.group, fence, body, requestId);
      return {};
    }),
    perform(schema.publishAddress, async ({ params, fence, body }) => {
      await publishAddress(leadership, params.group, fence, params.name, body.address);
      return {};
    }),
    perform(schema.withdrawAddress, async ({ params, fence }) => {
      await withdrawAddress(leadership, params.group, fence, params.name);
      return {};
    }),
  ];
}

/** Without `watches` no answer is held: the caller polls. */
export function observeOperations(leadership: Leadership, watches?: Watches): Performed[] {
  return [
    perform(schema.observe, async ({ params: { group }, query, caller, remainingMs }) => {
      refuseWait(query);
      if (!watches || caller === undefined) return observe(leadership, group, query.consistent);
      const waitMs = Math.min(query.waitMs, (remainingMs?.() ?? Number.POSITIVE_INFINITY) - answerMarginMs);
      return watch({ ...leadership, watches }, group, { ...query, waitMs, caller });
    }),
  ];
}

export function operateOperations(leadership: Leadership, groups: GroupStore): Performed[] {
  return [
    perform(schema.revoke, async ({ params, body, requestId }) => {
      const { revoked, contenderId, takeoverAt } = await revoke(leadership, params.group, body, requestId);
      return { revoked, contenderId, takeoverAt: instant(takeoverAt) };
    }),
    perform(schema.handOver, async ({ params, body }) => {
      const { contenderId } = await handOver(leadership, params.group, body);
      return { contenderId, asked: !body.dryRun };
    }),
    perform(schema.terms, async ({ params, query }) => {
      const after = query.cursor === undefined ? undefined : fromCursor(query.cursor, termPrefix);
      const [record, page] = await Promise.all([
        leadership.store.read(params.group, false),
        groups.listTerms(params.group, after, query.limit),
      ]);
      const items = page.items.map((term) => toTermView(term, record, leadership.clock.now()));
      return { items, ...(page.last === undefined ? {} : { nextCursor: toCursor(page.last) }) };
    }),
    perform(schema.groups, async ({ query }) => {
      const after = query.cursor === undefined ? undefined : fromCursor(query.cursor, '');
      const page = await groups.listGroups(after, query.limit);
      const records = await groups.readRecords(page.items);
      const items = records.map((record) => ({
        group: record.group,
        ...toLeadershipView(record, leadership.clock.now()),
      }));
      return { items, ...(page.last === undefined ? {} : { nextCursor: toCursor(page.last) }) };
    }),
  ];
}

/** For the last look, and the way back. */
const answerMarginMs = 2_000;

function refuseWait({ waitMs, afterVersion, afterRevision }: z.output<typeof schema.observe.query>): void {
  const given = [afterVersion, afterRevision].filter((one) => one !== undefined).length;
  if (given <= 1 && (waitMs === 0 || given === 1)) return;
  const message = 'waits for a change after afterVersion or afterRevision: give one of the two';
  throw new ProblemError(invalidRequest, `waitMs ${message}.`, { issues: [{ path: 'waitMs', message }] });
}

function refuseRelation(leaseMs: number, { maxClockSkewMs }: Leadership): void {
  const message = relationIssue(leaseMs, maxClockSkewMs);
  if (message)
    throw new ProblemError(invalidRequest, `${message}; nothing was written.`, {
      issues: [{ path: 'leaseMs', message }],
    });
}
