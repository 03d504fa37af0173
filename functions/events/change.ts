/** One change of an item of the main table, as its stream reports it. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord, AttributeValue as WireValue } from 'aws-lambda';

type Item = Record<string, unknown>;

export interface Change {
  /** The change's id: the same at every delivery. */
  readonly id: string;
  /** The stream's number, padded so that the order of the numbers is that of the texts. */
  readonly sequence: string;
  readonly pk: string;
  readonly sk: string;
  /** Undefined where the item did not exist. */
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  /** Epoch ms; the stream knows whole seconds. */
  readonly writtenAt: number;
}

type Image = Record<string, WireValue>;

const longestSequence = 40;

export function changeOf({ eventID = '', dynamodb = {} }: DynamoDBRecord): Change {
  const { Keys, OldImage, NewImage, SequenceNumber = '', ApproximateCreationDateTime = 0 } = dynamodb;
  return {
    id: eventID,
    sequence: SequenceNumber.padStart(longestSequence, '0'),
    pk: Keys?.['pk']?.S ?? '',
    sk: Keys?.['sk']?.S ?? '',
    before: OldImage && itemOf(OldImage),
    after: NewImage && itemOf(NewImage),
    writtenAt: ApproximateCreationDateTime * 1_000,
  };
}

/** Lambda hands binary attributes over as base64. */
function itemOf(image: Image): Item {
  const items = Object.entries(image).map(([name, value]) => [name, withBytes(value)]);
  // A number beyond JavaScript's range, written by hand, must not stop the stream.
  return unmarshall(Object.fromEntries(items), { wrapNumbers: Number });
}

function withBytes({ B, L, M, ...rest }: Partial<Record<keyof WireValue, unknown>>): AttributeValue {
  if (typeof B === 'string') return { B: Buffer.from(B, 'base64') };
  if (L) return { L: (L as WireValue[]).map(withBytes) };
  if (M) return { M: Object.fromEntries(Object.entries(M as Image).map(([name, value]) => [name, withBytes(value)])) };
  return rest as unknown as AttributeValue;
}
