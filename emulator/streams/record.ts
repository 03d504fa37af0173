import type { AttributeValue, _Record as StreamRecord } from '@aws-sdk/client-dynamodb-streams';
import { localRegion } from '../cloudformation/assembly/read.ts';

/** A stream record as Lambda hands it to a function. */
export interface LambdaRecord {
  eventID: string;
  eventName: string;
  eventVersion: string;
  eventSource: string;
  awsRegion: string;
  eventSourceARN: string;
  dynamodb: {
    ApproximateCreationDateTime: number;
    SequenceNumber: string;
    SizeBytes: number;
    StreamViewType: string;
    Keys: object;
    NewImage?: object;
    OldImage?: object;
  };
  userIdentity?: { type: string; principalId: string };
}

export function lambdaRecord(record: StreamRecord, streamArn: string): LambdaRecord {
  const { eventID = '', eventName = '', eventVersion = '1.1', dynamodb = {}, userIdentity } = record;
  const { Keys = {}, NewImage, OldImage, ApproximateCreationDateTime } = dynamodb;
  return {
    eventID,
    eventName,
    eventVersion,
    eventSource: 'aws:dynamodb',
    awsRegion: localRegion,
    dynamodb: {
      ApproximateCreationDateTime: Math.floor((ApproximateCreationDateTime?.getTime() ?? 0) / 1000),
      Keys: wire(Keys),
      ...(NewImage ? { NewImage: wire(NewImage) } : {}),
      ...(OldImage ? { OldImage: wire(OldImage) } : {}),
      SequenceNumber: dynamodb.SequenceNumber ?? '',
      SizeBytes: dynamodb.SizeBytes ?? 0,
      StreamViewType: dynamodb.StreamViewType ?? '',
    },
    eventSourceARN: streamArn,
    ...(userIdentity
      ? { userIdentity: { type: userIdentity.Type ?? '', principalId: userIdentity.PrincipalId ?? '' } }
      : {}),
  };
}

function wire(image: Record<string, AttributeValue>): object {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, wireValue(value)]));
}

/**
 * In an event bytes are base64 text. The stream of DynamoDB Local leaves the type of an empty map away, which AWS's
 * does not.
 */
function wireValue(value: AttributeValue): object {
  if (value.B) return { B: Buffer.from(value.B).toString('base64') };
  if (value.BS) return { BS: value.BS.map((bytes) => Buffer.from(bytes).toString('base64')) };
  if (value.L) return { L: value.L.map(wireValue) };
  if (value.M) return { M: wire(value.M) };
  return Object.keys(value).length === 0 ? { M: {} } : value;
}
