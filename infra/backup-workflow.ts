import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';
import type { TenureFunction } from './tenure-function.ts';
import { callBack, choice, invoke, type State, Workflow } from './workflow.ts';

/** A state's function has its name. */
export const backupTasks = [
  'choose',
  'suspend',
  'passOver',
  'cut',
  'offer',
  'run',
  'lose',
  'work',
  'verify',
  'fail',
  'cleanUp',
] as const;

export type BackupTask = (typeof backupTasks)[number];

const input = (field: string) => `{% $states.context.Execution.Input.${field} %}`;
const backup = { group: input('group'), backupId: input('backupId') };
const attempt = { ...backup, attempt: '{% $attempt %}' };

const error = { error: '{% $states.errorOutput %}' };
const caught = (Next: string, ...ErrorEquals: string[]) => ({ ErrorEquals, Next, Output: error });
const unexpected = caught('Fail', 'States.ALL');

const answerWithin = { TimeoutSeconds: input('answerSeconds') };
const sliceWithin = { TimeoutSeconds: input('abandonSeconds') };
/** Refused, silent, gone, or cancelled meanwhile: the next choice finds out. */
const notTaken = caught('PassOver', 'Refused', 'WorkerLost', 'Superseded', 'States.Timeout', 'States.HeartbeatTimeout');

/** The names of the errors: functions/backups/attempt/workflow-error.ts; what the functions do: functions/backups/workflow. */
const states: Record<string, State> = {
  Choose: invoke('choose', backup, {
    Assign: { attempt: '{% $states.result.Payload.attempt %}', position: {}, cursor: '' },
    Catch: [unexpected],
    Next: 'Chosen?',
  }),
  'Chosen?': choice({ suspend: 'Suspend', cut: 'Cut' }, 'CleanUp'),

  Suspend: callBack('suspend', attempt, {
    ...answerWithin,
    Assign: { position: '{% $states.result.position %}' },
    Catch: [notTaken, unexpected],
    Next: 'Cut',
  }),
  PassOver: invoke(
    'passOver',
    { ...attempt, error: '{% $states.input.error %}' },
    { Catch: [unexpected], Next: 'Choose' },
  ),

  Cut: invoke('cut', { ...attempt, position: '{% $position %}' }, { Catch: [notTaken, unexpected], Next: 'Placed?' }),
  'Placed?': choice({ offer: 'Offer', work: 'Work', again: 'LogsSettle' }, 'CleanUp'),
  LogsSettle: { Type: 'Wait', Seconds: 1, Next: 'AnewWithWorker?' },
  'AnewWithWorker?': {
    Type: 'Choice',
    Choices: [{ Condition: '{% $states.input.builtIn %}', Next: 'Cut' }],
    Default: 'Suspend',
  },

  Offer: callBack('offer', attempt, { ...answerWithin, Catch: [notTaken, unexpected], Next: 'Run' }),

  Run: callBack('run', attempt, {
    TimeoutSeconds: input('runSeconds'),
    HeartbeatSeconds: input('abandonSeconds'),
    Catch: [
      caught('Verify', 'AlreadyFinished'),
      caught('Lose', 'States.HeartbeatTimeout', 'States.Timeout'),
      caught('Lose', 'States.ALL'),
    ],
    Next: 'Verify',
  }),
  Lose: invoke('lose', { ...attempt, error: '{% $states.input.error %}' }, { Catch: [unexpected], Next: 'Lost?' }),
  'Lost?': choice({ verify: 'Verify', choose: 'Choose' }, 'CleanUp'),

  Work: invoke('work', attempt, {
    ...sliceWithin,
    // A slice that died is done again, one that hung has used up its time.
    Retry: [
      { ErrorEquals: ['Superseded', 'States.Timeout'], MaxAttempts: 0 },
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 2, BackoffRate: 2, JitterStrategy: 'FULL' },
    ],
    Catch: [caught('Lose', 'States.ALL')],
    Next: 'Worked?',
  }),
  'Worked?': choice({ again: 'Work' }, 'Verify'),

  Verify: invoke(
    'verify',
    { ...attempt, cursor: '{% $cursor %}' },
    {
      ...sliceWithin,
      Assign: { cursor: '{% $states.result.Payload.cursor %}' },
      Catch: [unexpected],
      Next: 'Verified?',
    },
  ),
  'Verified?': choice({ again: 'Verify' }, 'CleanUp'),

  Fail: invoke('fail', { ...backup, error: '{% $states.input.error %}' }, { Next: 'CleanUp' }),
  CleanUp: invoke('cleanUp', backup, {
    Catch: [{ ErrorEquals: ['States.ALL'], Next: 'LeftToTheSweep' }],
    Next: 'Done',
  }),
  LeftToTheSweep: { Type: 'Succeed' },
  Done: { Type: 'Succeed' },
};

export interface BackupWorkflowProps {
  settings: Settings;
  functions: Readonly<Record<BackupTask, TenureFunction>>;
}

/** Delegates a backup, watches it and settles it. An execution has the name of its backup: starting twice starts once. */
export function createBackupWorkflow(scope: Construct, { settings, functions }: BackupWorkflowProps): Workflow {
  return new Workflow(scope, 'backup', { settings, startAt: 'Choose', states, functions });
}
