import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';
import type { TenureFunction } from './tenure-function.ts';
import { callBack, choice, invoke, patient, type State, Workflow } from './workflow.ts';

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

/**
 * The names of the errors: functions/backups/attempt/workflow-error.ts; what the tasks do:
 * functions/entry-points/backup-records.ts, -cut.ts and -work.ts.
 */
const states: Record<string, State> = {
  Choose: invoke('records/choose', backup, {
    Assign: { attempt: '{% $states.result.Payload.attempt %}', position: {}, cursor: '' },
    Catch: [unexpected],
    Next: 'Chosen?',
  }),
  'Chosen?': choice({ suspend: 'Suspend', cut: 'Cut' }, 'CleanUp'),

  Suspend: callBack('records/suspend', attempt, {
    ...answerWithin,
    Assign: { position: '{% $states.result.position %}' },
    Catch: [notTaken, unexpected],
    Next: 'Cut',
  }),
  PassOver: invoke(
    'records/passOver',
    { ...attempt, error: '{% $states.input.error %}' },
    { Catch: [unexpected], Next: 'Choose' },
  ),

  Cut: invoke(
    'cut/cut',
    { ...attempt, position: '{% $position %}' },
    { Catch: [notTaken, unexpected], Next: 'Placed?' },
  ),
  'Placed?': choice({ offer: 'Offer', work: 'Work', again: 'LogsSettle' }, 'CleanUp'),
  LogsSettle: { Type: 'Wait', Seconds: input('cutPauseSeconds'), Next: 'AnewWithWorker?' },
  'AnewWithWorker?': {
    Type: 'Choice',
    Choices: [{ Condition: '{% $states.input.builtIn %}', Next: 'Cut' }],
    Default: 'Suspend',
  },

  Offer: callBack('records/offer', attempt, { ...answerWithin, Catch: [notTaken, unexpected], Next: 'Run' }),

  Run: callBack('records/run', attempt, {
    TimeoutSeconds: input('runSeconds'),
    HeartbeatSeconds: input('abandonSeconds'),
    Catch: [
      caught('Verify', 'AlreadyFinished'),
      caught('Lose', 'States.HeartbeatTimeout', 'States.Timeout'),
      caught('Lose', 'States.ALL'),
    ],
    Next: 'Verify',
  }),
  Lose: invoke(
    'records/lose',
    { ...attempt, error: '{% $states.input.error %}' },
    { Catch: [unexpected], Next: 'Lost?' },
  ),
  'Lost?': choice({ verify: 'Verify', choose: 'Choose' }, 'CleanUp'),

  Work: invoke('work/work', attempt, {
    ...sliceWithin,
    // A slice that died is done again, one that hung has used up its time. A throttled slice continues where it was.
    Retry: [
      { ErrorEquals: ['Superseded', 'AttemptTooLong', 'States.Timeout'], MaxAttempts: 0 },
      patient,
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 2, BackoffRate: 2, JitterStrategy: 'FULL' },
    ],
    Catch: [caught('Lose', 'States.ALL')],
    Next: 'Worked?',
  }),
  'Worked?': choice({ again: 'Work' }, 'Verify'),

  Verify: invoke(
    'work/verify',
    { ...attempt, cursor: '{% $cursor %}' },
    {
      ...sliceWithin,
      Assign: { cursor: '{% $states.result.Payload.cursor %}' },
      Catch: [unexpected],
      Next: 'Verified?',
    },
  ),
  'Verified?': choice({ again: 'Verify' }, 'CleanUp'),

  Fail: invoke(
    'records/fail',
    { ...backup, error: '{% $states.input.error %}' },
    { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'LeftToTheSweep' }], Next: 'CleanUp' },
  ),
  CleanUp: invoke('cut/cleanUp', backup, {
    Catch: [{ ErrorEquals: ['States.ALL'], Next: 'LeftToTheSweep' }],
    Next: 'Done',
  }),
  LeftToTheSweep: { Type: 'Succeed' },
  Done: { Type: 'Succeed' },
};

export interface BackupWorkflowProps {
  settings: Settings;
  functions: Readonly<Record<'records' | 'cut' | 'work', TenureFunction>>;
}

/**
 * Delegates a backup, watches it and settles it. An execution has the name of its backup: starting twice starts once.
 */
export function createBackupWorkflow(scope: Construct, { settings, functions }: BackupWorkflowProps): Workflow {
  return new Workflow(scope, 'backup', { settings, startAt: 'Choose', states, functions });
}
