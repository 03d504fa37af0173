/** The public entry: `import { LeaderElector, TenureClient } from 'tenure'`. */
export { LeaderElector, type LeaderElectorOptions } from './leadership/elector.ts';
export type { ElectorEvents } from './leadership/events.ts';
export { LeadershipLost, type Loss, type LossReason } from './leadership/loss.ts';
export type { LeaseSettings } from './leadership/settings.ts';
export type { Term } from './leadership/term.ts';
export { type LeaderView, LeaderWatcher, type LeaderWatcherOptions } from './leadership/watcher.ts';
export type { CallOptions, CallRequest, Fence } from './request.ts';
export { TenureClient, type TenureClientOptions } from './tenure-client.ts';
export { type ErrorFacts, hasCode, TenureError } from './tenure-error.ts';
export { systemTime, type Time } from './time.ts';
export type { Credentials, CredentialsProvider } from './transport.ts';
