/** Reads the items of the main table as records. Items may be damaged, so every part is checked by itself. */
import * as z from 'zod/mini';
import { jsonText } from '../api/schema.ts';
import type { LeadershipRecord } from './lease.ts';
import type { PublishedAddresses, Term } from './lease-store.ts';

const epoch = z.number();
const optionalNumber = z.catch(z.optional(z.number()), undefined);
const optionalText = z.catch(z.optional(z.string()), undefined);
const metadata = z.catch(z.optional(jsonText), undefined);

const holder = z.catch(
  z.optional(
    z.object({
      contenderId: z.string(),
      instanceId: optionalText,
      sessionId: z.string(),
      grantedAt: z.catch(epoch, 0),
      confirmedAt: z.catch(z.optional(epoch), undefined),
      address: z.catch(z.optional(z.string()), undefined),
      metadata,
    }),
  ),
  undefined,
);

const endReason = z.enum(['expired', 'superseded', 'revoked', 'resigned']);
const ending = z.catch(
  z.optional(
    z.object({
      reason: endReason,
      at: z.optional(epoch),
      detail: z.optional(z.string()),
      requestId: z.optional(z.string()),
    }),
  ),
  undefined,
);

const leadershipItem = z.object({
  group: z.string(),
  fencingVersion: z.number(),
  holder,
  leaseMs: optionalNumber,
  expiresAt: optionalNumber,
  requestId: optionalText,
  ended: ending,
  revokedContender: optionalText,
  reservedFor: optionalText,
  reservedUntil: optionalNumber,
  barredInstance: optionalText,
  barredUntil: optionalNumber,
  handOverTo: optionalText,
  addressChanges: optionalNumber,
  newestTerm: optionalNumber,
  closedTerm: optionalNumber,
  previous: ending,
  previousExpiresAt: optionalNumber,
  restoring: optionalText,
});

/**
 * The record in an item, or none: an item without a version is as good as lost and is made anew by the next contender.
 */
export function toRecord(item: Record<string, unknown> | undefined): LeadershipRecord | undefined {
  const { pk } = item ?? {};
  const group = typeof pk === 'string' ? pk.slice(pk.indexOf('#') + 1) : undefined;
  return leadershipItem.safeParse({ ...item, group }).data;
}

const termItem = z.object({
  fencingVersion: z.number(),
  contenderId: z.string(),
  sessionId: z.string(),
  instanceId: optionalText,
  address: optionalText,
  metadata,
  grantedAt: optionalNumber,
  confirmedAt: optionalNumber,
  leaseMs: optionalNumber,
  endedAt: optionalNumber,
  endReason: z.catch(z.optional(endReason), undefined),
  endDetail: optionalText,
});

export function toTerm(item: Record<string, unknown> | undefined): Term | undefined {
  return termItem.safeParse(item).data;
}

const addressesItem = z.object({
  fencingVersion: z.number(),
  revision: z.number(),
  addresses: z.record(z.string(), z.string()),
});

export function toAddresses(item: Record<string, unknown> | undefined): PublishedAddresses | undefined {
  return addressesItem.safeParse(item).data;
}

/** Metadata is kept as its JSON text: its size in the item is then the size that the caller sees. */
export function metadataText(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
