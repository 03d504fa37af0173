import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { Task } from '../../../functions/platform/task.ts';
import { resources, templateOf, text } from '../../infra/cdk/synthesised.ts';
import recorded from './recorded-inputs.json' with { type: 'json' };

const entryPoints: Record<string, () => Promise<{ handler: { tasks: Readonly<Record<string, Task>> } }>> = {
  minute: () => import('../../../functions/entry-points/minute.ts'),
  'log-sweep': () => import('../../../functions/entry-points/log-sweep.ts'),
  'backup-sweep': () => import('../../../functions/entry-points/backup-sweep.ts'),
  recover: () => import('../../../functions/entry-points/recover.ts'),
  'restore-step': () => import('../../../functions/entry-points/restore-step.ts'),
  'backup-records': () => import('../../../functions/entry-points/backup-records.ts'),
  'backup-cut': () => import('../../../functions/entry-points/backup-cut.ts'),
  'backup-work': () => import('../../../functions/entry-points/backup-work.ts'),
};

const environment = {
  AWS_REGION: 'us-east-1',
  TENURE_TABLE: 'table',
  TENURE_BUCKET: 'bucket',
  TENURE_REPLICA_TABLES: 'one,two,three',
  TENURE_BACKUP_WORKFLOW: 'arn:backup',
  TENURE_RESTORE_WORKFLOW: 'arn:restore',
  TENURE_RECOVERY_WORKFLOW: 'arn:recovery',
  TENURE_LOG_SWEEP: 'log-sweep',
  TENURE_BACKUP_SWEEP: 'backup-sweep',
};

const handlers = new Map<string, Readonly<Record<string, Task>>>();
beforeAll(async () => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  for (const [name, load] of Object.entries(entryPoints)) handlers.set(name, (await load()).handler.tasks);
});

test('every task that a workflow names is one of the function that it calls', () => {
  const template = templateOf();
  const found: string[] = [];
  for (const { properties } of resources(template, 'AWS::StepFunctions::StateMachine')) {
    const definition = text(properties.DefinitionString);
    for (const [, alias = '', task = ''] of definition.matchAll(
      /"FunctionName":"\$\{(\w+)\}","Payload":\{"task":"(\w+)"/g,
    )) {
      const id = text(properties.DefinitionSubstitutions[alias]);
      const name = [...handlers.keys()].find((one) => id.includes(`TenureService${one.replaceAll('-', '')}`)) ?? id;
      expect(Object.keys(handlers.get(name) ?? {}), `${alias} of ${name}`).toContain(task);
      found.push(`${name}/${task}`);
    }
  }
  expect(new Set(found).size).toBeGreaterThanOrEqual(15);
});

/**
 * Executions that a deployment meets continue by the definition with which they began: what it hands to a function
 * stays understood for one version. A task whose input changes gets another line; the old one goes with the next
 * version.
 */
describe('inputs of the version before', () => {
  test('there is one for each task', () => {
    const all = [...handlers].flatMap(([name, tasks]) => Object.keys(tasks).map((task) => `${name}/${task}`));
    expect(new Set(recorded.map(({ on, input }) => `${on}/${input.task}`))).toEqual(new Set(all));
  });

  test.each(recorded)('are understood: $on $input.task', ({ on, input }) => {
    const read = handlers.get(on)?.[input.task]?.input.safeParse(input);
    expect(read?.error?.issues ?? []).toEqual([]);
    expect(read?.success).toBe(true);
  });
});
