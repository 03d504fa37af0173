import { fail, lose } from '../backups/attempt/conclusion.ts';
import { choose, offer, passOver, run, suspend } from '../backups/attempt/delegation.ts';
import { inputs, task } from '../backups/attempt/task-inputs.ts';
import { backupRoom } from '../backups/environment.ts';
import { archiveBucketName } from '../backups/settings.ts';
import { taskHandler } from '../platform/task.ts';

const room = { ...backupRoom(), bucket: archiveBucketName() };

/** The tasks of a backup's workflow that look at records and at nothing else. */
export const handler = taskHandler({
  /** Who takes the backup next. */
  choose: task(inputs.backup, (name) => choose(room, name)),
  /** Tells the worker to pin its position, and waits for its answer. */
  suspend: task(inputs.asked, (asked) => suspend(room, asked)),
  /** Why the worker did not take the backup. */
  passOver: task(inputs.failed, ({ error, ...name }) => passOver(room, name, error)),
  /** Hands the backup with its cut to the suspended worker, and waits for its answer. */
  offer: task(inputs.asked, (asked) => offer(room, asked)),
  /** Waits for the attempt's end as long as there are heartbeats. */
  run: task(inputs.asked, (asked) => run(room, asked)),
  /** The backup's state after an attempt that was accepted and not finished. */
  lose: task(inputs.failed, ({ error, ...name }) => lose(room, name, error)),
  /** Settles a backup whose workflow cannot continue. */
  fail: task(inputs.broken, ({ error, ...name }) => fail(room, name, error)),
});
