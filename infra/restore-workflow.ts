import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';
import type { TenureFunction } from './tenure-function.ts';
import { choice, invoke, type State, Workflow } from './workflow.ts';

const restore = {
  group: '{% $states.context.Execution.Input.group %}',
  restoreId: '{% $states.context.Execution.Input.restoreId %}',
};

/** A step may die anywhere: it is repeated for ten minutes before the restore is given up. */
const states: Record<string, State> = {
  Begin: { Type: 'Pass', Assign: { patience: 1 }, Next: 'Step' },
  Step: invoke(
    'restore/step',
    { ...restore, patience: '{% $patience %}' },
    {
      TimeoutSeconds: 900,
      Assign: { patience: '{% $states.result.Payload.patience %}' },
      Retry: [
        { ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 16, BackoffRate: 2, MaxDelaySeconds: 60 },
      ],
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'GiveUp', Output: { error: '{% $states.errorOutput %}' } }],
      Next: 'Over?',
    },
  ),
  'Over?': choice({ again: 'Step' }, 'Done'),
  GiveUp: invoke(
    'restore/giveUp',
    { ...restore, error: '{% $states.input.error %}' },
    { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'LeftToTheSweep' }], Next: 'Done' },
  ),
  LeftToTheSweep: { Type: 'Succeed' },
  Done: { Type: 'Succeed' },
};

/** Restores a backup in steps. An execution has the name of its restore: starting twice starts once. */
export function createRestoreWorkflow(
  scope: Construct,
  { settings, step }: { settings: Settings; step: TenureFunction },
): Workflow {
  return new Workflow(scope, 'restore', { settings, startAt: 'Begin', states, functions: { restore: step } });
}
