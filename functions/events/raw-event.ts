import type { EventType } from '../../api/events.ts';

/** What an item tells, unchecked: another hand may have written it. Instants are epoch ms. */
export interface Happening {
  readonly type: EventType;
  readonly at: unknown;
  readonly [member: string]: unknown;
}

/** A change of which it cannot be told what event it is. The message names members and none of their values. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}
