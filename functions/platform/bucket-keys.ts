/** Where things lie in the bucket. The rights of functions are granted by these prefixes. */
export const bucketPrefixes = {
  /** Graphs, checkpoints and savepoints: `groups/GROUP/jobs/JOB/PAYLOAD`. */
  payloads: 'groups/',
  /** Keys of backups: `backups/GROUP/BACKUP/ATTEMPT/`. */
  archives: 'backups/',
  /** Backups from a disk, uploaded to be restored: `restores/GROUP/UPLOAD/`. */
  uploadedBackups: 'restores/',
} as const;
