/**
 * The timeouts of the stack that the end-to-end tests share: short, so that they do not wait for long, and long enough
 * for workers on a machine that has much to do.
 */
export const backupTimes = { answerMs: 20_000, suspendMs: 45_000, abandonMs: 20_000 } as const;
