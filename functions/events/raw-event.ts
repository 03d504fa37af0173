import type { EventType } from '../../api/events.ts';

/** An event before its check against the schema: items may have been edited by hand. Instants are epoch ms. */
export interface RawEvent {
  readonly type: EventType;
  readonly at: unknown;
  readonly [member: string]: unknown;
}

/** A change whose event cannot be determined. The message names members and none of their values. */
export class UnreadableChangeError extends Error {
  override readonly name = 'UnreadableChangeError';
}
