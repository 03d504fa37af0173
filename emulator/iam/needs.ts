import type { RequestLine } from '../s3/server.ts';

/** The permissions that IAM would require for a request. */
export interface Need {
  action: string;
  /** The end of the ARN: `table/NAME`, `table/NAME/index/INDEX`, `BUCKET` or `BUCKET/KEY`. */
  resource: string;
}

export interface DynamoDbInput {
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
export function needsOfDynamoDb(operation: string, body: DynamoDbInput): Need[] {
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

/**
 * Of several objects that are deleted at once the keys stand in the body: the need names the bucket's objects as a
 * whole. A copy reads its source as well.
 */
export function needsOfS3(request: Pick<RequestLine, 'operation' | 'bucket' | 'key' | 'copySource'>): Need[] {
  const { operation, bucket, key, copySource } = request;
  const objects = operation === 'DeleteObjects' ? '*' : key;
  const own = {
    action: `s3:${s3Actions[operation] ?? operation}`,
    resource: objects ? `${bucket}/${objects}` : bucket,
  };
  return copySource === undefined ? [own] : [own, { action: 's3:GetObject', resource: copySource }];
}

const ofExecutions = ['DescribeExecution', 'StopExecution', 'GetExecutionHistory'];

/**
 * The callbacks of a task name no resource but a token: IAM asks for the right on the state machine, which `machineOf`
 * finds.
 */
export function needsOfStepFunctions(
  operation: string,
  input: Record<string, unknown>,
  machineOf: (token: string) => string | undefined,
): Need[] {
  const named = ofExecutions.includes(operation) ? input['executionArn'] : input['stateMachineArn'];
  const arn = operation.startsWith('SendTask') ? machineOf(String(input['taskToken'])) : named;
  return [{ action: `states:${operation}`, resource: typeof arn === 'string' ? endOf(arn) : '*' }];
}

/** Of a function's ARN or name, without a qualifier. */
export function functionName(arnOrName: string): string {
  return arnOrName.replace(/^arn:.*:function:/, '').split(':')[0] ?? '';
}

export function needOfInvoke(arnOrName: string): Need {
  return { action: 'lambda:InvokeFunction', resource: `function:${functionName(arnOrName)}` };
}

/**
 * To send `input` to a target by ARN: a function, state machine, queue or bus. Other kinds need nothing here.
 */
export function needsOfTarget(arn: string, input: string): Need[] {
  const need = (action: string, resource = endOf(arn)) => [{ action, resource }];
  if (arn.includes(':lambda:')) return [needOfInvoke(arn)];
  if (arn.includes(':stateMachine:')) return need('states:StartExecution');
  if (arn.endsWith(':aws-sdk:sfn:startExecution')) {
    const { StateMachineArn = '*' } = JSON.parse(input) as { StateMachineArn?: string };
    return need('states:StartExecution', endOf(StateMachineArn));
  }
  if (arn.includes(':sqs:')) return need('sqs:SendMessage');
  return arn.includes(':event-bus/') ? need('events:PutEvents') : [];
}

/** `type:name` or `name`: what follows the account in an ARN. */
export function endOf(arn: string): string {
  return arn.split(':').slice(5).join(':') || arn;
}
