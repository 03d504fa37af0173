import { Aws } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';
import type { TenureFunction } from './tenure-function.ts';
import { choice, invoke, patient, type State, transient, Workflow } from './workflow.ts';

const input = '$states.context.Execution.Input';
const of = (field: string) => `{% ${input}.${field} %}`;
const replica = { group: of('group'), log: of('log'), replica: of('replica') };

/**
 * A round has 11 events, and 23 when its function is tried five times; a slice 7 or 19. So rounds and passes, of 8
 * ranges each, stay together below 20,000 events, however often they are tried again.
 */
const mostRounds = 250;
const mostPasses = 6;
const slicesOfPass = 15;

/** Learns one range, slice by slice; returns what is left of it. */
const learnRange = {
  StartAt: 'Begin',
  States: {
    Begin: { Type: 'Pass', Assign: { slices: 0 }, Output: { range: '{% $states.input %}' }, Next: 'Slice' },
    Slice: invoke(
      'recover/catchUp',
      { ...replica, incarnation: '{% $incarnation %}', range: '{% $states.input.range %}' },
      {
        // Whatever lasts longer is tried again by the next pass.
        Retry: [transient],
        Assign: { slices: '{% $slices + 1 %}' },
        Catch: [
          { ErrorEquals: ['States.ALL'], Output: { next: 'stuck', range: '{% $states.input.range %}' }, Next: 'Left' },
        ],
        Next: 'More?',
      },
    ),
    'More?': {
      Type: 'Choice',
      Choices: [{ Condition: `{% $states.input.next = 'again' and $slices < ${slicesOfPass} %}`, Next: 'Slice' }],
      Default: 'Left',
    },
    Left: { Type: 'Succeed' },
  },
};

/** The tasks: functions/entry-points/recover.ts. */
const states: Record<string, State> = {
  Start: {
    Type: 'Pass',
    Assign: { rounds: 0, passes: 0, finished: '', incarnation: '', ranges: [] },
    Next: 'Planned?',
  },
  'Planned?': {
    Type: 'Choice',
    Choices: [{ Condition: `{% $type(${input}.plan) = 'object' %}`, Next: 'Resume' }],
    Default: 'Round',
  },
  Resume: { Type: 'Pass', Output: { plan: of('plan') }, Next: 'Plan' },

  Round: invoke(
    'recover/round',
    { ...replica, force: `{% ${input}.force and $rounds = 0 %}`, finished: '{% $finished %}' },
    {
      // Whatever lasts longer is tried again by the next round.
      Retry: [transient],
      Assign: { rounds: '{% $rounds + 1 %}', finished: '' },
      Catch: [{ ErrorEquals: ['States.ALL'], Assign: { rounds: '{% $rounds + 1 %}' }, Output: {}, Next: 'Tired?' }],
      Next: 'Decided?',
    },
  ),
  'Decided?': choice({ done: 'Done', catchUp: 'Plan' }, 'Tired?'),
  'Tired?': {
    Type: 'Choice',
    Choices: [{ Condition: `{% $rounds >= ${mostRounds} %}`, Next: 'Anew' }],
    Default: 'Wait',
  },
  // A table that is gone for long is not worth a look every few seconds: each is paid for.
  Wait: {
    Type: 'Wait',
    Seconds: '{% $rounds < 5 ? 1 : ($rounds < 30 ? 5 : 60) + $floor($random() * 10) %}',
    Next: 'Round',
  },

  Plan: {
    Type: 'Pass',
    Assign: { incarnation: '{% $states.input.plan.incarnation %}', ranges: '{% [$states.input.plan.ranges] %}' },
    Next: 'CatchUp',
  },
  CatchUp: {
    Type: 'Map',
    Items: '{% $ranges %}',
    MaxConcurrency: 4,
    ItemProcessor: learnRange,
    Assign: { ranges: "{% [$states.result[next != 'done'].range] %}", passes: '{% $passes + 1 %}' },
    Next: 'CaughtUp?',
  },
  'CaughtUp?': {
    Type: 'Choice',
    Choices: [
      { Condition: '{% $count($ranges) = 0 %}', Next: 'Finish' },
      { Condition: `{% $passes >= ${mostPasses} %}`, Next: 'Anew' },
    ],
    Default: 'WaitForQuorum',
  },
  WaitForQuorum: { Type: 'Wait', Seconds: 2, Next: 'CatchUp' },
  Finish: { Type: 'Pass', Assign: { finished: '{% $incarnation %}' }, Next: 'Round' },

  // The history of one execution takes 25,000 events.
  Anew: {
    Type: 'Task',
    Resource: `arn:${Aws.PARTITION}:states:::states:startExecution`,
    Arguments: {
      StateMachineArn: '{% $states.context.StateMachine.Id %}',
      Name: `{% ${input}.key & '-' & $uuid() %}`,
      Input: {
        ...replica,
        key: of('key'),
        force: false,
        plan: '{% $passes > 0 and $count($ranges) > 0 ? {"incarnation": $incarnation, "ranges": $ranges} : null %}',
      },
    },
    Retry: [{ ...patient, ErrorEquals: ['States.ALL'] }],
    Next: 'Done',
  },
  Done: { Type: 'Succeed' },
};

export interface RecoverReplicaProps {
  settings: Settings;
  functions: { recover: TenureFunction };
}

/** Recovers one replica of one log, however long that takes. Two executions for one replica do no harm. */
export function createRecoverReplica(scope: Construct, { settings, functions }: RecoverReplicaProps): Workflow {
  return new Workflow(scope, 'recover-replica', { settings, startAt: 'Start', states, functions, startsItself: true });
}
