import * as schema from '../../api/operations/leadership.ts';
import { invalidRequest, ProblemError } from '../../api/problem.ts';
import { instant } from '../platform/clock.ts';
import { fromCursor, toCursor } from '../platform/cursor.ts';
import { type Endpoint, endpoint } from '../platform/http.ts';
import { contend } from './contend.ts';
import type { GroupStore } from './group-table.ts';
import { handOverView, toLeadershipView, toObservation, toTermView } from './history.ts';
import { termPrefix } from './keys.ts';
import { confirm, handOver, type Leadership, renew, resign, revoke } from './leadership.ts';
import { relationIssue } from './lease.ts';

export function contendRoutes(leadership: Leadership): Endpoint[] {
  return [
    endpoint(schema.contend, async ({ params, body, requestId }) => {
      refuseRelation(body.leaseMs, leadership);
      const term = await contend(leadership, params.group, body, requestId);
      return { ...term, expiresAt: instant(term.expiresAt) };
    }),
  ];
}

export function leaseRoutes(leadership: Leadership): Endpoint[] {
  return [
    endpoint(schema.confirm, async ({ params, fence, body }) => {
      const { confirmedAt, expiresAt } = await confirm(leadership, params.group, fence, body);
      return { confirmedAt: instant(confirmedAt), expiresAt: instant(expiresAt) };
    }),
    endpoint(schema.renew, async ({ params, fence, body }) => {
      if (body.leaseMs !== undefined) refuseRelation(body.leaseMs, leadership);
      const { expiresAt, handOverTo } = await renew(leadership, params.group, fence, body);
      return { expiresAt: instant(expiresAt), ...handOverView(handOverTo) };
    }),
    endpoint(schema.resign, async ({ params, fence, body, requestId }) => {
      await resign(leadership, params.group, fence, body, requestId);
      return {};
    }),
    endpoint(schema.observe, async ({ params, query }) =>
      toObservation(
        await leadership.store.read(params.group, query.consistent),
        leadership.clock.now(),
        leadership.maxClockSkewMs,
      ),
    ),
  ];
}

export function operateRoutes(leadership: Leadership, groups: GroupStore): Endpoint[] {
  return [
    endpoint(schema.revoke, async ({ params, body, requestId }) => {
      const { revoked, contenderId, takeoverAt } = await revoke(leadership, params.group, body, requestId);
      return { revoked, contenderId, takeoverAt: instant(takeoverAt) };
    }),
    endpoint(schema.handOver, async ({ params, body }) => handOver(leadership, params.group, body)),
    endpoint(schema.terms, async ({ params, query }) => {
      const after = query.cursor === undefined ? undefined : fromCursor(query.cursor, termPrefix);
      const [record, page] = await Promise.all([
        leadership.store.read(params.group, false),
        groups.listTerms(params.group, after, query.limit),
      ]);
      const items = page.items.map((term) => toTermView(term, record, leadership.clock.now()));
      return { items, ...(page.last === undefined ? {} : { nextCursor: toCursor(page.last) }) };
    }),
    endpoint(schema.groups, async ({ query }) => {
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

function refuseRelation(leaseMs: number, { maxClockSkewMs }: Leadership): void {
  const message = relationIssue(leaseMs, maxClockSkewMs);
  if (message)
    throw new ProblemError(invalidRequest, `${message}; nothing was written.`, {
      issues: [{ path: 'leaseMs', message }],
    });
}
