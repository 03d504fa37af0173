/** The public entry: `import { LeaderElector, TenureClient } from 'tenure'`. */
export { catalogue as operations } from '../api/catalogue.ts';
export type { ProblemCode } from '../api/codes.ts';
export type { BackupFile } from './backups/backup-files.ts';
export { BackupPolicies, type BackupPolicy, type BackupPolicyInput } from './backups/backup-policies.ts';
export { BackupWorker } from './backups/backup-worker.ts';
export {
  type Backup,
  type BackupPlan,
  Backups,
  type BackupsOptions,
  type DownloadBackupOptions,
  type ReadBackupOptions,
  readLocalApplication,
  type TakeOptions,
} from './backups/backups.ts';
export type { WaitOptions } from './backups/follow.ts';
export type { BackupHooks, Positions, SnapshotRequest, WorkerEvent } from './backups/hooks.ts';
export { type Restore, type RestoreSource, Restores } from './backups/restores.ts';
export type { BackupWorkerOptions } from './backups/worker-options.ts';
export { type TableClientOptions, tableClient } from './direct/table-client.ts';
export type { LogTables, ReplicaOptions, TableOptions } from './direct/table-options.ts';
export {
  type AddOptions,
  type Checkpoint,
  CheckpointStore,
  type CheckpointStoreOptions,
  type Committed,
} from './jobs/checkpoint-store.ts';
export { type DownloadOptions, download, downloadBytes } from './jobs/download.ts';
export { downloadFile } from './jobs/download-file.ts';
export {
  type DamagedJob,
  type Job,
  JobRegistry,
  type JobRegistryOptions,
  type JobResult,
  type RecoverOptions,
  type SubmitOptions,
} from './jobs/job-registry.ts';
export { type Leading, type LeadingTerm, termFromEnvironment } from './jobs/leading-term.ts';
export { RecoveredJob } from './jobs/recovered-job.ts';
export type { PutAnswer, S3 } from './jobs/s3.ts';
export type { Block, PayloadSource } from './jobs/source.ts';
export type { Progress } from './jobs/upload.ts';
export { LeaderElector, type LeaderElectorOptions } from './leadership/elector.ts';
export type { ElectorEvents, LeaderWork } from './leadership/events.ts';
export type { Resignation } from './leadership/hold.ts';
export { type LockOptions, withLock } from './leadership/lock.ts';
export { LeadershipLostError, type Loss, type LossReason } from './leadership/loss.ts';
export type { LeaseSettings } from './leadership/settings.ts';
export type { Term } from './leadership/term.ts';
export { type LeaderView, LeaderWatcher, type LeaderWatcherOptions } from './leadership/watcher.ts';
export { type Elected, LogWriter, type LogWriterOptions, type Placed, type WriteOptions } from './log/log-writer.ts';
export {
  type LogEntry,
  type LogStatus,
  type ReadOptions,
  ReplicatedLog,
  type ReplicatedLogOptions,
  type TailOptions,
} from './log/replicated-log.ts';
export {
  type DeletedGroup,
  type DeleteGroupOptions,
  type GroupView,
  Operator,
  type PastTerm,
  type RegisteredWorker,
  type ReplicaTable,
} from './operator.ts';
export type { CallOptions, CallRequest, Fence } from './request.ts';
export { type Logger, type ObserveOptions, TenureClient, type TenureClientOptions } from './tenure-client.ts';
export { type ClientCode, type ErrorCode, type ErrorFacts, hasCode, TenureError } from './tenure-error.ts';
export { systemTime, type Time } from './time.ts';
export type { Credentials, CredentialsProvider, PreparedRequest } from './transport.ts';
