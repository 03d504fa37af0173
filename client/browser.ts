/** The public entry where a bundler builds for a browser: following who leads, and every call of the API. */
export { catalogue as operations } from '../api/catalogue.ts';
export { type LeaderView, LeaderWatcher, type LeaderWatcherOptions } from './leadership/watcher.ts';
export type { CallOptions, CallRequest, Fence } from './request.ts';
export { type Logger, type ObserveOptions, TenureClient, type TenureClientOptions } from './tenure-client.ts';
export { type ClientCode, type ErrorCode, type ErrorFacts, hasCode, TenureError } from './tenure-error.ts';
export { systemTime, type Time } from './time.ts';
export type { Credentials, CredentialsProvider } from './transport.ts';
