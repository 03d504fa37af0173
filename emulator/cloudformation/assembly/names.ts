import { createHash } from 'node:crypto';
import type { Resource } from './read.ts';

type Names = { ref: string } & Record<string, string>;

const kinds: Record<string, (name: string, resource: Resource) => Names> = {
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::S3::Bucket': (name) => ({
    ref: bucketName(name),
    Arn: `arn:aws:s3:::${bucketName(name)}`,
    DomainName: `${bucketName(name)}.s3.amazonaws.com`,
  }),
  'AWS::Lambda::Function': (name, at) => ({
    ref: shortened(name, 64),
    Arn: arn(at, 'lambda', `function:${shortened(name, 64)}`),
  }),
  'AWS::StepFunctions::StateMachine': (name, at) => {
    const Arn = arn(at, 'states', `stateMachine:${shortened(name, 80)}`);
    return { ref: Arn, Arn, Name: shortened(name, 80) };
  },
  'AWS::SQS::Queue': (name, at) => ({
    ref: `https://sqs.${at.stack.region}.amazonaws.com/${at.stack.account}/${shortened(name, 80)}`,
    Arn: arn(at, 'sqs', shortened(name, 80)),
    QueueName: shortened(name, 80),
  }),
  'AWS::Events::EventBus': (name, at) => ({ ref: name, Name: name, Arn: arn(at, 'events', `event-bus/${name}`) }),
  'AWS::Events::Rule': (name, at) => ({ ref: name, Arn: arn(at, 'events', `rule/${name}`) }),
  'AWS::Scheduler::Schedule': (name, at) => ({ ref: name, Arn: arn(at, 'scheduler', `schedule/default/${name}`) }),
  'AWS::Scheduler::ScheduleGroup': (name, at) => ({ ref: name, Arn: arn(at, 'scheduler', `schedule-group/${name}`) }),
  'AWS::SNS::Topic': (name, at) => ({ ref: arn(at, 'sns', name), TopicArn: arn(at, 'sns', name), TopicName: name }),
  'AWS::Logs::LogGroup': (name, at) => ({ ref: name, Arn: arn(at, 'logs', `log-group:${name}:*`) }),
  'AWS::IAM::Role': (name, { stack }) => ({ ref: name, Arn: `arn:aws:iam::${stack.account}:role/${name}` }),
  'AWS::ApiGatewayV2::Api': (name, { stack }) => {
    const id = digest(name, 10);
    return { ref: id, ApiId: id, ApiEndpoint: `https://${id}.execute-api.${stack.region}.amazonaws.com` };
  },
};

const nameProperties = [
  'TableName',
  'BucketName',
  'FunctionName',
  'StateMachineName',
  'QueueName',
  'TopicName',
  'RoleName',
  'LogGroupName',
  'GlobalTableName',
];

/** The names that a resource will go by: what Ref and Fn::GetAtt answer, the same at every start. */
export function namesOf(resource: Resource, properties: Record<string, unknown>): Names {
  const named = nameProperties.map((property) => properties[property]).find((value) => typeof value === 'string');
  const plain = typeof properties['Name'] === 'string' && hasPlainName(resource.type) ? properties['Name'] : undefined;
  const name = String(named ?? plain ?? `${resource.stack.name}-${resource.logicalId}`);
  return kinds[resource.type]?.(name, resource) ?? { ref: name };
}

/** An API's Name is a label that several may share. */
function hasPlainName(type: string): boolean {
  return type.startsWith('AWS::Events::') || type.startsWith('AWS::Scheduler::');
}

function table(name: string, at: Resource): Names {
  const Arn = arn(at, 'dynamodb', `table/${name}`);
  return { ref: name, Arn, StreamArn: `${Arn}/stream/local` };
}

function arn({ stack }: Resource, service: string, rest: string): string {
  return `arn:aws:${service}:${stack.region}:${stack.account}:${rest}`;
}

function bucketName(name: string): string {
  return shortened(name.toLowerCase(), 63);
}

function shortened(name: string, max: number): string {
  return name.length <= max ? name : `${name.slice(0, max - 9)}-${digest(name, 8)}`;
}

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
