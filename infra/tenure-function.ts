import { ArnFormat, Duration, Lazy, Stack, Validations } from 'aws-cdk-lib';
import {
  type CfnPolicy,
  type CfnRole,
  PolicyDocument,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import { Architecture, type CfnFunction, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Bucket, CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { CfnStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { functionCode } from './function-code.ts';
import { removalPolicyOf } from './retention.ts';
import type { Settings } from './settings.ts';
import type { TenureStore } from './tenure-store.ts';

export interface TenureFunctionProps {
  settings: Settings;
  store: TenureStore;
  /** Besides TENURE_STAGE, TENURE_TABLE and TENURE_MAX_CLOCK_SKEW_MS, which every function gets. */
  environment?: Record<string, string>;
  /** 10 by default; API Gateway waits for 29 at most. */
  timeoutSeconds?: number;
  memoryMiB?: number;
  /**
   * How often a request to a store is tried: 3 by default, since somebody waits for the answer; more for what nobody
   * waits for.
   */
  storeTries?: number;
  /** False for what the schedule calls: traced call by call, it would cost more than all else at rest. */
  traced?: boolean;
  /** Files of the project that it reads from its own folder, so that loading it does not. */
  beside?: string[];
}

/**
 * A Lambda function with the defaults of the house, whose code is `functions/entry-points/ID.ts`. It may write its own
 * logs and traces, and do what `allow` says.
 */
export class TenureFunction extends LambdaFunction {
  readonly entry: string;
  readonly beside: readonly string[];
  private readonly permissions: Role;

  constructor(scope: Construct, id: string, props: TenureFunctionProps) {
    const { settings, store, environment, timeoutSeconds = 10, memoryMiB = 512, beside = [], storeTries } = props;
    const traced = settings.tracing === 'on' && (props.traced ?? true);
    const entry = `entry-points/${id}.ts`;
    const reservedConcurrentExecutions = settings.reservedConcurrency[id];
    const logGroup = new LogGroup(scope, `${id}-logs`, {
      retention: settings.logRetentionDays,
      removalPolicy: removalPolicyOf(settings),
    });
    const role = createRole(scope, `${id}-role`, logGroup, traced);
    super(scope, id, {
      code: functionCode(entry, beside),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMiB,
      timeout: Duration.seconds(timeoutSeconds),
      role,
      logGroup,
      ...(reservedConcurrentExecutions === undefined ? {} : { reservedConcurrentExecutions }),
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        TENURE_STAGE: settings.stage,
        TENURE_TABLE: store.table.tableName,
        TENURE_MAX_CLOCK_SKEW_MS: String(settings.maxClockSkewMs),
        ...(settings.journal === 'off' && { TENURE_JOURNAL: 'off' }),
        ...(storeTries && { TENURE_STORE_TRIES: `${storeTries}` }),
        ...environment,
      },
    });
    this.entry = entry;
    this.beside = beside;
    this.permissions = role;
    this.dependOnPolicyOnly(role);
    if (settings.kmsKeyArn !== undefined) this.allow(keyUses, settings.kmsKeyArn);
    // Not by the property `tracing`: its statement would lie in the same policy as those of `allow`, and hide their
    // findings.
    if (traced) (this.node.defaultChild as CfnFunction).tracingConfig = { mode: Tracing.ACTIVE };
  }

  /** The CDK names the role, too, which the function refers to already. */
  private dependOnPolicyOnly(role: Role): void {
    const policy = () => role.node.findChild('DefaultPolicy').node.defaultChild as CfnPolicy;
    const produce = () => [Stack.of(this).getLogicalId(policy())];
    (this.node.defaultChild as CfnFunction).addOverride('DependsOn', Lazy.any({ produce }));
  }

  /** Grants exactly these actions on exactly these resources. */
  allow(actions: readonly string[], ...resources: string[]): void {
    this.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources }));
  }

  /** Grants these actions on the objects below a prefix, `groups/` for instance. */
  allowObjects(actions: readonly string[], bucket: Bucket, prefix: string): void {
    this.allow(actions, bucket.arnForObjects(`${prefix}*`));
    const bucketId = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnBucket);
    Validations.of(this.permissions).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${bucketId}.Arn>/${prefix}*]`,
      reason: 'Objects come and go: only their prefix is known when the function is deployed.',
    });
  }

  /** Grants these actions on all executions of a workflow. */
  allowExecutions(actions: readonly string[], machine: StateMachine): void {
    const format = { service: 'states', resource: 'execution', arnFormat: ArnFormat.COLON_RESOURCE_NAME };
    const stack = Stack.of(machine);
    this.allow(actions, stack.formatArn({ ...format, resourceName: `${machine.stateMachineName}:*` }));
    const machineId = stack.getLogicalId(machine.node.defaultChild as CfnStateMachine);
    const executions = `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${machineId}.Name>:*`;
    Validations.of(this.permissions).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${executions}]`,
      reason: 'Executions come and go: only their workflow is known when the function is deployed.',
    });
  }
}

/**
 * For the functions that nobody waits for: where three of ten requests are throttled, one in 15,000 fails all its
 * tries.
 */
export const patientTries = 8;

/** The uses of a customer's key that DynamoDB, S3 and SQS make in the name of their caller. */
const keyUses = ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'];

/**
 * A role that is given gets nothing from `logGroup`, and without these statements the function would run and nobody
 * would read a line or a metric of it. They stand in the role itself: Lambda refuses to make a traced function whose
 * role may not trace yet.
 */
function createRole(scope: Construct, id: string, { logGroupArn }: LogGroup, traced: boolean): Role {
  const logs = new PolicyStatement({
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [logGroupArn],
  });
  const traces = new PolicyStatement({
    actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
    resources: ['*'],
  });
  const role = new Role(scope, id, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: { Reporting: new PolicyDocument({ statements: traced ? [logs, traces] : [logs] }) },
  });
  // Of the role alone: its other policies are separate, and their findings stay findings.
  Validations.of(role.node.defaultChild as CfnRole).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'X-Ray has no resources to which sending traces could be limited.',
  });
  return role;
}
