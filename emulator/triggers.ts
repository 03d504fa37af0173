import { join } from 'node:path';
import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { type Answer, json } from './api-gateway/answer.ts';
import type { Deployment } from './cloudformation/assembly/deployment.ts';
import { schedulesOf } from './eventbridge/schedules/schedules.ts';
import { startTimers } from './eventbridge/schedules/timers.ts';
import type { Targets } from './eventbridge/targets.ts';
import type { FunctionHost } from './lambda/host.ts';
import type { Part } from './parts.ts';
import { mappingsOf, startPollers } from './streams/mappings.ts';

export interface TriggerOptions {
  functions: FunctionHost;
  targets: Targets;
  streams: DynamoDBStreamsClient;
  folder: string;
  /** False fires no schedules, except by hand. */
  fireSchedules: boolean;
  report(line: string): void;
}

/** Triggers of functions without a request: schedules and table streams. */
export interface Triggers extends Part {
  schedules: string[];
  /** PUT /_local/schedules/NAME fires one schedule at once; the body may be {"slot": instant}. */
  fireByHand(method: string, path: string, body: string): Answer | undefined;
}

export function startTriggers(deployment: Deployment, options: TriggerOptions): Triggers {
  const { functions, targets, streams, folder, fireSchedules, report } = options;
  const schedules = schedulesOf(deployment, targets.send, Date.now());
  const stopTimers = fireSchedules ? startTimers(schedules) : () => {};
  report(`schedules ${schedules.length}${fireSchedules ? '' : ' (off: --no-schedules)'}`);
  const mappings = mappingsOf(deployment);
  const pollers = startPollers(mappings, { streams, functions, targets, folder: join(folder, 'streams'), report });
  report(`streams   ${mappings.length}`);
  return {
    schedules: schedules.map(({ name }) => name),
    fireByHand(method, path, body) {
      const name = decodeURIComponent(/^\/schedules\/([^/]+)$/.exec(path)?.[1] ?? '');
      const found = schedules.find((schedule) => schedule.name === name);
      if (!found || method !== 'PUT') return undefined;
      const { slot = new Date().toISOString() } = JSON.parse(body || '{}') as { slot?: string };
      found.fire(new Date(slot));
      return json(202, { name, slot });
    },
    async stop() {
      stopTimers();
      targets.asynchronous.stop();
      await pollers.stop();
    },
  };
}
