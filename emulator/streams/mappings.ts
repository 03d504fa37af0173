import { join } from 'node:path';
import type { Deployment } from '../cloudformation/assembly/deployment.ts';
import type { Targets } from '../eventbridge/targets.ts';
import { functionName } from '../iam/needs.ts';
import type { GivenUp } from './batch.ts';
import { refuseUnknown } from './pattern.ts';
import { type Mapping, type PollerSurroundings, startPoller } from './poller.ts';

interface MappingProperties {
  FunctionName: string;
  EventSourceArn: string;
  StartingPosition?: 'LATEST' | 'TRIM_HORIZON';
  Enabled?: boolean;
  BatchSize?: number;
  MaximumBatchingWindowInSeconds?: number;
  FilterCriteria?: { Filters?: { Pattern?: string }[] };
  FunctionResponseTypes?: string[];
  BisectBatchOnFunctionError?: boolean;
  MaximumRetryAttempts?: number;
  MaximumRecordAgeInSeconds?: number;
  DestinationConfig?: { OnFailure?: { Destination?: string } };
}

interface DestinedMapping extends Mapping {
  onFailure?: string;
}

/** The event source mappings from DynamoDB streams that are enabled. Throws for a mapping from anything else. */
export function mappingsOf(deployment: Deployment): DestinedMapping[] {
  return deployment.resources('AWS::Lambda::EventSourceMapping').flatMap((resource) => {
    const properties = deployment.properties<MappingProperties>(resource);
    if (properties.Enabled === false) return [];
    if (!properties.EventSourceArn.includes(':dynamodb:')) {
      throw new Error(
        `${resource.path}: events from ${properties.EventSourceArn} do not run locally, only DynamoDB streams do`,
      );
    }
    const target = deployment.find('AWS::Lambda::Function', properties.FunctionName);
    if (!target) throw new Error(`${resource.path}: the template has no function ${properties.FunctionName}`);
    const onFailure = properties.DestinationConfig?.OnFailure?.Destination;
    return {
      name: deployment.reference(resource),
      functionArn: deployment.attribute(target, 'Arn'),
      streamArn: properties.EventSourceArn,
      startingPosition: properties.StartingPosition ?? 'LATEST',
      batchSize: properties.BatchSize ?? 100,
      windowMs: (properties.MaximumBatchingWindowInSeconds ?? 0) * 1_000,
      patterns: (properties.FilterCriteria?.Filters ?? []).map(({ Pattern = '{}' }) => patternIn(Pattern)),
      reportsItemFailures: properties.FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false,
      bisects: properties.BisectBatchOnFunctionError ?? false,
      maxRetries: properties.MaximumRetryAttempts ?? -1,
      maxAgeSeconds: properties.MaximumRecordAgeInSeconds ?? -1,
      ...(onFailure ? { onFailure } : {}),
    };
  });
}

function patternIn(text: string): object {
  const pattern = JSON.parse(text) as object;
  refuseUnknown(pattern);
  return pattern;
}

/** Starts a poller per mapping; what one gives up goes to its on-failure destination, as Lambda describes it there. */
export function startPollers(
  mappings: DestinedMapping[],
  at: Omit<PollerSurroundings, 'giveUp' | 'positionsFile'> & { targets: Targets; folder: string },
): { stop(): Promise<void> } {
  const pollers = mappings.map((mapping) =>
    startPoller(mapping, {
      ...at,
      positionsFile: join(at.folder, `${mapping.name}.json`),
      async giveUp(_mapping, shardId, what) {
        at.report(`stream    ${mapping.name} gave up ${what.records.length} records: ${what.condition}`);
        if (!mapping.onFailure) return;
        const record = JSON.stringify(failureRecord(mapping, shardId, what));
        at.targets.send(mapping.onFailure, record, functionName(mapping.functionArn));
      },
    }),
  );
  return {
    async stop() {
      await Promise.all(pollers.map((poller) => poller.stop()));
    },
  };
}

function failureRecord(mapping: Mapping, shardId: string, { records, attempts, condition, requestId }: GivenUp) {
  const arrivals = records.map(({ dynamodb }) => new Date(dynamodb.ApproximateCreationDateTime * 1_000).toISOString());
  return {
    requestContext: {
      requestId,
      functionArn: mapping.functionArn,
      condition,
      approximateInvokeCount: attempts,
    },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: new Date().toISOString(),
    DDBStreamBatchInfo: {
      shardId,
      startSequenceNumber: records.at(0)?.dynamodb.SequenceNumber,
      endSequenceNumber: records.at(-1)?.dynamodb.SequenceNumber,
      approximateArrivalOfFirstRecord: arrivals.at(0),
      approximateArrivalOfLastRecord: arrivals.at(-1),
      batchSize: records.length,
      streamArn: mapping.streamArn,
    },
  };
}
