/** The journal's names of requests that were carried out. */
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
