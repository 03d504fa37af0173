import { backupRoom } from '../../environment.ts';
import { archiveBucketName } from '../../settings.ts';
import { offer } from '../delegation.ts';
import { inputs, task } from '../task-inputs.ts';

const room = { ...backupRoom(), bucket: archiveBucketName() };

/** State Offer: hands the backup with its cut to the suspended worker, and waits for its answer. */
export const handler = task(inputs.asked, (asked) => offer(room, asked));
