import type { AttributeValue, _Record as StreamRecord } from '@aws-sdk/client-dynamodb-streams';
import { localRegion } from '../assembly/read.ts';

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

/** In an event bytes are base64 text. */
function wire(image: Record<string, AttributeValue>): object {
  return JSON.parse(JSON.stringify(image, bytesAsBase64)) as object;
}

function bytesAsBase64(this: Record<string, unknown>, name: string, value: unknown): unknown {
  const own = this[name];
  return own instanceof Uint8Array ? Buffer.from(own).toString('base64') : value;
}
