import { randomUUID } from 'node:crypto';
import type { Deployment } from '../cloudformation/assembly/deployment.ts';
import { localAccount, localRegion } from '../cloudformation/assembly/read.ts';
import { lineWriter } from '../files.ts';
import { matches, refuseUnknown } from '../streams/pattern.ts';
import { type RuleTarget, refuseTransformation } from './rule-targets.ts';

export interface EventEntry {
  Source?: string;
  DetailType?: string;
  Detail?: string;
  EventBusName?: string;
  Resources?: string[];
  Time?: number;
}

type EntryResult = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

export interface EventBuses {
  putEntry(entry: EventEntry): Promise<EntryResult>;
  /** An event that is a destination's record rather than somebody's entry. */
  put(detail: object, busArn: string): Promise<void>;
}

interface PatternRule {
  EventPattern?: object;
  EventBusName?: string;
  State?: string;
  Targets?: RuleTarget[];
}

/** The buses of the template and the default one: every event is a line in the file, and goes to the rules it fits. */
export function eventBuses(
  deployment: Deployment,
  file: string,
  send: (arn: string, input: string) => void,
): EventBuses {
  const write = lineWriter(file);
  const buses = ['default', ...deployment.resources('AWS::Events::EventBus').map((bus) => deployment.reference(bus))];
  const rules = deployment
    .resources('AWS::Events::Rule')
    .map((resource) => ({ resource, rule: deployment.properties<PatternRule>(resource) }))
    .filter(({ rule }) => rule.EventPattern && rule.State !== 'DISABLED');
  for (const { resource, rule } of rules) {
    refuseTransformation(rule.Targets ?? [], resource);
    refuseUnknown(rule.EventPattern ?? {});
  }

  async function accept(bus: string, event: object): Promise<void> {
    await write({ ...event, eventBus: bus });
    for (const { rule } of rules) {
      if (nameOf(rule.EventBusName) !== bus || !matches(rule.EventPattern ?? {}, event)) continue;
      for (const target of rule.Targets ?? []) send(target.Arn, target.Input ?? JSON.stringify(event));
    }
  }

  return {
    async putEntry({ Source, DetailType, Detail, EventBusName, Resources = [], Time }) {
      const bus = nameOf(EventBusName);
      const detail = Detail === undefined ? undefined : parsed(Detail);
      if (!Source || !DetailType) return refused('InvalidArgument', 'Source and DetailType are required');
      if (!detail) return refused('MalformedDetail', 'Detail is malformed.');
      if (!buses.includes(bus)) return refused('ResourceNotFoundException', `The template has no event bus ${bus}`);
      const event = eventOf(Source, DetailType, detail, Resources, Time ? new Date(Time * 1_000) : new Date());
      await accept(bus, event);
      return { EventId: event.id };
    },
    put: (detail, busArn) =>
      accept(nameOf(busArn), eventOf('lambda', 'Lambda Function Invocation Result', detail, [], new Date())),
  };
}

function eventOf(source: string, detailType: string, detail: object, resources: string[], time: Date) {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': detailType,
    source,
    account: localAccount,
    time: time.toISOString().replace(/\.\d+Z$/, 'Z'),
    region: localRegion,
    resources,
    detail,
  };
}

function nameOf(bus: string | undefined): string {
  return bus?.split('event-bus/').at(-1) ?? 'default';
}

function parsed(detail: string): object | undefined {
  try {
    const value = JSON.parse(detail) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function refused(ErrorCode: string, ErrorMessage: string): EntryResult {
  return { ErrorCode, ErrorMessage };
}
