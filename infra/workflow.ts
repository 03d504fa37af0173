import { Aws, Fn, Stack, Validations } from 'aws-cdk-lib';
import { type CfnRole, Policy, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { type CfnStateMachine, DefinitionBody, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { removalPolicyOf } from './retention.ts';
import type { Settings } from './settings.ts';
import type { TenureFunction } from './tenure-function.ts';

/** A state as it stands in the definition: Amazon States Language with JSONata. */
export type State = Readonly<Record<string, unknown>>;

export interface WorkflowProps {
  settings: Settings;
  startAt: string;
  states: Readonly<Record<string, State>>;
  /** By the name in `invoke`. */
  functions: Readonly<Record<string, TenureFunction>>;
  /** Whether an execution may start the next one. */
  startsItself?: boolean;
}

/**
 * A Standard workflow in JSONata that calls functions of ours. Its definition is written as data, so that every field
 * can be an expression; it may call exactly these functions.
 */
export class Workflow extends Construct {
  readonly arn: string;
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, { settings, startAt, states, functions, startsItself }: WorkflowProps) {
    super(scope, id);
    const role = this.createRole(functions, settings);
    const machine = new StateMachine(this, 'Machine', {
      role,
      definitionBody: DefinitionBody.fromString(
        JSON.stringify({ QueryLanguage: 'JSONata', StartAt: startAt, States: states }),
      ),
      definitionSubstitutions: Object.fromEntries(
        Object.entries(functions).map(([name, { functionArn }]) => [name, functionArn]),
      ),
    });
    const resource = machine.node.defaultChild as CfnStateMachine;
    // The CDK names the role, which the machine refers to already.
    resource.addDeletionOverride('DependsOn');
    resource.tracingConfiguration = { enabled: settings.tracing === 'on' };
    if (settings.tracing === 'off') {
      Validations.of(resource).acknowledge({ id: 'AwsSolutions-SF2', reason: 'The deployment says tracing=off.' });
    }
    resource.loggingConfiguration = {
      level: 'ALL',
      // The states' data contains task tokens.
      includeExecutionData: false,
      destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: this.log(id, settings).logGroupArn } }],
    };
    this.arn = machine.stateMachineArn;
    this.machine = machine;
    if (startsItself) this.allowStart(role);
  }

  /** A policy of its own, since this one comes after the machine. */
  private allowStart(role: Role): void {
    new Policy(this, 'Start', {
      roles: [role],
      statements: [new PolicyStatement({ actions: ['states:StartExecution'], resources: [this.arn] })],
    });
  }

  /** The prefix keeps Step Functions from adding each of these groups to a policy that the whole account shares. */
  private log(id: string, settings: Settings): LogGroup {
    const stackInstance = Fn.select(2, Fn.split('/', Aws.STACK_ID));
    return new LogGroup(this, 'Log', {
      logGroupName: `/aws/vendedlogs/states/${Stack.of(this).stackName}-${id}-${stackInstance}`,
      retention: settings.logRetentionDays,
      removalPolicy: removalPolicyOf(settings),
    });
  }

  /**
   * May call exactly these functions. Actions without resources of their own stand in the role, so that it hides no
   * finding elsewhere.
   */
  private createRole(functions: WorkflowProps['functions'], { tracing }: Settings): Role {
    const traces = tracing === 'on' ? ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'] : [];
    const actions = [...traces, ...logDelivery.map((action) => `logs:${action}`)];
    const arns = Object.values(functions).map(({ functionArn }) => functionArn);
    const statements = [
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: arns }),
      new PolicyStatement({ actions, resources: ['*'] }),
    ];
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('states.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
      inlinePolicies: { Run: new PolicyDocument({ statements }) },
    });
    Validations.of(role.node.defaultChild as CfnRole).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'X-Ray has no resources to which sending traces could be limited, nor has the delivery of logs.',
    });
    return role;
  }
}

const logDelivery = [
  'CreateLogDelivery',
  'GetLogDelivery',
  'UpdateLogDelivery',
  'DeleteLogDelivery',
  'ListLogDeliveries',
  'PutResourcePolicy',
  'DescribeResourcePolicies',
  'DescribeLogGroups',
];

/** A task of a function: `function/task`. */
type TaskName = `${string}/${string}`;

function called(name: TaskName): { FunctionName: string; task: string } {
  const [served, task = ''] = name.split('/');
  return { FunctionName: `\${${served}}`, task };
}

/** A Task that calls a function and continues with its result. */
export function invoke(name: TaskName, payload: State, rest: State): State {
  const { FunctionName, task } = called(name);
  return {
    Type: 'Task',
    Resource: `arn:${Aws.PARTITION}:states:::lambda:invoke`,
    Arguments: { FunctionName, Payload: { task, ...payload } },
    Output: '{% $states.result.Payload %}',
    Retry: [patient],
    ...rest,
  };
}

/** A Task that calls a function with its token and waits until that is answered. */
export function callBack(name: TaskName, payload: State, rest: State): State {
  const { FunctionName, task } = called(name);
  return {
    Type: 'Task',
    Resource: `arn:${Aws.PARTITION}:states:::lambda:invoke.waitForTaskToken`,
    Arguments: { FunctionName, Payload: { task, ...payload, taskToken: '{% $states.context.Task.Token %}' } },
    Retry: [patient],
    ...rest,
  };
}

/** Errors that a retry can mend: Lambda's own, and stores that are throttled (store/store-errors.ts). */
export const transient: State = {
  ErrorEquals: [
    'UnavailableError',
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.TooManyRequestsException',
    // Step Functions has waited for the function in vain.
    'Lambda.ClientExecutionTimeoutException',
    // It ran into its timeout, or fell over.
    'Sandbox.Timedout',
    'Lambda.Unknown',
  ],
  IntervalSeconds: 1,
  MaxAttempts: 4,
  BackoffRate: 2,
  JitterStrategy: 'FULL',
};

/**
 * The same for so long as an account may be short of concurrency, or a table of throughput: ten minutes, also by the
 * luck of the jitter, which halves each pause on average.
 */
export const patient: State = { ...transient, MaxAttempts: 35, MaxDelaySeconds: 60 };

/** Chooses the next state by the word `next` in the input. */
export function choice(by: Readonly<Record<string, string>>, otherwise: string): State {
  const Choices = Object.entries(by).map(([word, Next]) => ({
    Condition: `{% $states.input.next = '${word}' %}`,
    Next,
  }));
  return { Type: 'Choice', Choices, Default: otherwise };
}
