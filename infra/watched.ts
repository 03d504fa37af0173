import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Settings } from './settings.ts';
import type { TenureApi } from './tenure-api.ts';
import type { TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

/** The watched parts of a deployment. */
export interface Watched {
  settings: Settings;
  functions: TenureFunction[];
  api: TenureApi;
  store: TenureStore;
  failures: Queue;
  /** The function that reads the main table's stream. */
  publisher: TenureFunction;
  /** The function that leaders renew with. */
  lease: TenureFunction;
  /** By name. */
  workflows: Readonly<Record<string, StateMachine>>;
}
