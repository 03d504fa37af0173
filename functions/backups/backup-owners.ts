/** Whose a backup is, by its id alone: what another group needs that may restore it. */
export interface BackupOwners {
  remember(backupId: string, group: string): Promise<void>;
  ownerOf(backupId: string): Promise<string | undefined>;
  /** From then on nobody finds it any more. */
  forget(backupId: string, now: number): Promise<void>;
}
