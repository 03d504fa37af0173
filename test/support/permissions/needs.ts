import type { RequestLine } from '../../../emulator/s3/server.ts';

/** What IAM would ask for before it lets a request through. */
export interface Need {
  action: string;
  /** The end of the ARN: `table/NAME`, `table/NAME/index/INDEX`, `BUCKET` or `BUCKET/KEY`. */
  resource: string;
}

interface DynamoDbBody {
  TableName?: string;
  IndexName?: string;
  RequestItems?: Record<string, unknown>;
  TransactItems?: Record<string, { TableName: string }>[];
}

const transactional: Record<string, string> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem',
};

/** A transaction needs what its parts need: IAM knows no action of its own for it. */
export function needsOfDynamoDb(operation: string, body: DynamoDbBody): Need[] {
  const need = (action: string, table: string) => ({ action: `dynamodb:${action}`, resource: `table/${table}` });
  if (body.TransactItems) {
    return body.TransactItems.flatMap((item) =>
      Object.entries(item).map(([kind, { TableName }]) => need(transactional[kind] ?? kind, TableName)),
    );
  }
  if (body.RequestItems) return Object.keys(body.RequestItems).map((table) => need(operation, table));
  if (!body.TableName) return [{ action: `dynamodb:${operation}`, resource: '*' }];
  const table = body.IndexName ? `${body.TableName}/index/${body.IndexName}` : body.TableName;
  return [need(operation, table)];
}

const s3Actions: Record<string, string> = {
  HeadBucket: 'ListBucket',
  ListObjectsV2: 'ListBucket',
  ListMultipartUploads: 'ListBucketMultipartUploads',
  HeadObject: 'GetObject',
  CopyObject: 'PutObject',
  DeleteObjects: 'DeleteObject',
  CreateMultipartUpload: 'PutObject',
  UploadPart: 'PutObject',
  UploadPartCopy: 'PutObject',
  CompleteMultipartUpload: 'PutObject',
  AbortMultipartUpload: 'AbortMultipartUpload',
  ListParts: 'ListMultipartUploadParts',
};

/** Of several objects that are deleted at once the keys stand in the body: the need names the bucket's objects as a whole. */
export function needsOfS3({ operation, bucket, key }: Pick<RequestLine, 'operation' | 'bucket' | 'key'>): Need[] {
  const objects = operation === 'DeleteObjects' ? '*' : key;
  return [{ action: `s3:${s3Actions[operation] ?? operation}`, resource: objects ? `${bucket}/${objects}` : bucket }];
}
