/** What a request that was carried out is called in the journal. */
export const deeds = [
  'hand-over-asked',
  'jobs-recovered',
  'writer-elected',
  'replicas-changed',
  'replica-initialized',
  'replica-recovery',
  'replica-recovery-cancelled',
  'restore-begun',
  'restore-abandoned',
] as const;

export type Deed = (typeof deeds)[number];
