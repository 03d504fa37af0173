/** The public entry: `import { TenureClient, LeaderElector } from 'tenure'`. */
export { type LeaderView, LeaderWatcher, type LeaderWatcherOptions } from './leadership/watcher.ts';
export type { CallOptions, CallRequest, Fence } from './request.ts';
export { TenureClient, type TenureClientOptions } from './tenure-client.ts';
export { type ErrorFacts, hasCode, TenureError } from './tenure-error.ts';
export { systemTime, type Time } from './time.ts';
export type { Credentials, CredentialsProvider } from './transport.ts';
