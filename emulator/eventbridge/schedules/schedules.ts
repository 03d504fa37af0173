import { randomUUID } from 'node:crypto';
import type { Deployment } from '../../cloudformation/assembly/deployment.ts';
import type { Resource } from '../../cloudformation/assembly/read.ts';
import { endOf } from '../../iam/needs.ts';
import { type RuleTarget, refuseTransformation } from '../rule-targets.ts';
import { occurrencesOf } from './expression.ts';
import type { Timed } from './timers.ts';

/** Sends an input to a target by ARN and comes back at once; a schedule does so in its role. */
type Send = (arn: string, input: string, sender?: string) => void;

interface ScheduleProperties {
  ScheduleExpression: string;
  ScheduleExpressionTimezone?: string;
  State?: string;
  StartDate?: string;
  EndDate?: string;
  Target: { Arn: string; Input?: string };
}

interface RuleProperties {
  ScheduleExpression?: string;
  State?: string;
  Targets?: RuleTarget[];
}

/**
 * Schedules of EventBridge Scheduler, and rules with a schedule, that are enabled. `start` is when rates begin to
 * count.
 */
export function schedulesOf(deployment: Deployment, send: Send, start: number): Timed[] {
  const schedules = deployment
    .resources('AWS::Scheduler::Schedule')
    .map((resource) => scheduleOf(deployment, send, start, resource));
  const rules = deployment.resources('AWS::Events::Rule').map((resource) => ruleOf(deployment, send, start, resource));
  return [...schedules, ...rules].filter((timed) => timed !== undefined);
}

function scheduleOf(deployment: Deployment, send: Send, start: number, resource: Resource): Timed | undefined {
  const {
    ScheduleExpression,
    ScheduleExpressionTimezone = 'UTC',
    State,
    Target,
    ...dates
  } = deployment.properties<ScheduleProperties>(resource);
  if (State === 'DISABLED') return undefined;
  if (!['UTC', 'Etc/UTC'].includes(ScheduleExpressionTimezone) || dates.StartDate || dates.EndDate) {
    throw new Error(`${resource.path}: schedules run locally in UTC and without start or end date`);
  }
  const arn = deployment.attribute(resource, 'Arn');
  return {
    name: deployment.reference(resource),
    occurrences: occurrencesOf(ScheduleExpression, start),
    fire: (slot) => send(Target.Arn, withContext(Target.Input ?? '{}', slot, arn), endOf(arn)),
  };
}

/** The context attributes that EventBridge Scheduler puts into an input. */
function withContext(input: string, slot: Date, scheduleArn: string): string {
  return input
    .replaceAll('<aws.scheduler.scheduled-time>', seconds(slot))
    .replaceAll('<aws.scheduler.schedule-arn>', scheduleArn)
    .replaceAll('<aws.scheduler.execution-id>', randomUUID())
    .replaceAll('<aws.scheduler.attempt-number>', '1');
}

function ruleOf(deployment: Deployment, send: Send, start: number, resource: Resource): Timed | undefined {
  const { ScheduleExpression, State, Targets = [] } = deployment.properties<RuleProperties>(resource);
  if (!ScheduleExpression || State === 'DISABLED') return undefined;
  refuseTransformation(Targets, resource);
  const arn = deployment.attribute(resource, 'Arn');
  return {
    name: deployment.reference(resource),
    occurrences: occurrencesOf(ScheduleExpression, start),
    fire(slot) {
      const event = {
        version: '0',
        id: randomUUID(),
        'detail-type': 'Scheduled Event',
        source: 'aws.events',
        account: resource.stack.account,
        time: seconds(slot),
        region: resource.stack.region,
        resources: [arn],
        detail: {},
      };
      for (const target of Targets) send(target.Arn, target.Input ?? JSON.stringify(event));
    },
  };
}

function seconds(instant: Date): string {
  return instant.toISOString().replace(/\.\d+Z$/, 'Z');
}
