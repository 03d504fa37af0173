/** One entry of the time line, as people read it and as it is drafted. */

export type EntryKind =
  | 'term'
  | 'end'
  | 'gap'
  | 'refused'
  | 'hand-over'
  | 'recovery'
  | 'job'
  | 'checkpoint'
  | 'backup'
  | 'restore'
  | 'log'
  | 'election'
  | 'configuration'
  | 'doubt';

export interface Entry {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly kind: EntryKind;
  readonly text: string;
  readonly because?: string | undefined;
  readonly evidence: readonly string[];
}

export type Draft = Omit<Entry, 'at'> & { readonly at: number };
