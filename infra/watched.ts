import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Settings } from './settings.ts';
import type { TenureApi } from './tenure-api.ts';
import type { TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

/** What is watched of a deployment. */
export interface Watched {
  settings: Settings;
  functions: TenureFunction[];
  api: TenureApi;
  store: TenureStore;
  failures: Queue;
  /** What reads the main table's stream; one of the functions. */
  publisher: TenureFunction;
  /** What leaders renew with; one of the functions. */
  lease: TenureFunction;
  /** By name. */
  workflows: Readonly<Record<string, StateMachine>>;
}
