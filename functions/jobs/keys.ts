import { groupKey } from '../../leadership/keys.ts';

/** Keys of the jobs in the main table, next to the leadership of their group. */
export const jobPrefix = 'JOB#';
export const jobKey = (group: string, jobId: string) => ({ pk: groupKey(group), sk: `${jobPrefix}${jobId}` });

/** Partition of the groups index in which finished jobs wait for their clean-up. */
export const cleanUpPartition = 'CLEAN-UP';

/** How many jobs of the group are not cleaned up. */
export const jobCountKey = (group: string) => ({ pk: groupKey(group), sk: 'JOBS' });
