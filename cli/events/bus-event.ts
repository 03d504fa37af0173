/** An event as it lies in the log of the bus: docs/events.md. */
export interface BusEvent {
  readonly 'detail-type': string;
  readonly source: string;
  /** To the second. */
  readonly time: string;
  readonly detail: { readonly id: string; readonly group: string; readonly at: string } & Readonly<
    Record<string, unknown>
  >;
}

/** Where events are read from. */
export interface EventSource {
  /**
   * The events from an instant on, epoch ms, in the order in which they arrived; continues with new ones until the
   * signal aborts, or ends with the last there is when `follow` is false.
   */
  events(from: number, follow: boolean, signal: AbortSignal): AsyncIterable<BusEvent>;
}

/** Undefined for a line that is no event of Tenure. */
export function readEvent(line: string): BusEvent | undefined {
  try {
    const event = JSON.parse(line) as Partial<BusEvent>;
    return event.source === 'tenure' && typeof event.detail?.group === 'string' ? (event as BusEvent) : undefined;
  } catch {
    return undefined;
  }
}
