import { beforeAll, describe, expect, test } from 'vitest';
import { permissions, permissionsOf, resources, templateOf, text } from './synthesised.ts';

let template: ReturnType<typeof templateOf>;
beforeAll(() => {
  template = templateOf({ restoreSources: 's3://archive/tenure/' });
});

describe('the workflow of restores', () => {
  test('repeats a step that dies, gives the restore up when that does not help, and asks no other function', () => {
    const [machine] = resources(template, 'AWS::StepFunctions::StateMachine').filter(({ id }) =>
      id.includes('restore'),
    );
    const { States } = JSON.parse(text(machine?.properties.DefinitionString));
    expect(States.Step.Retry).toEqual([expect.objectContaining({ ErrorEquals: ['States.ALL'] })]);
    expect(States.Step.Catch).toEqual([expect.objectContaining({ ErrorEquals: ['States.ALL'], Next: 'GiveUp' })]);
    expect(States['Over?']).toMatchObject({ Choices: [{ Next: 'Step' }], Default: 'Done' });
    expect(Object.keys(machine?.properties.DefinitionSubstitutions)).toEqual(['restore']);
  });

  test('is started by the API and by the minute, never by a step of it', () => {
    const [machine] = resources(template, 'AWS::StepFunctions::StateMachine').filter(({ id }) =>
      id.includes('restore'),
    );
    const starting = permissions(template).filter(
      ({ action, resource }) => action === 'states:StartExecution' && resource.includes(machine?.id ?? '?'),
    );
    expect(new Set(starting.map(({ role }) => role.replace(/role.*/, '')))).toEqual(
      new Set(['TenureServicebackups', 'TenureServicebackupsweep']),
    );
  });
});

describe('permissions', () => {
  test('only the step of a restore writes payloads, and it deletes none', () => {
    const objects = (name: string) =>
      permissionsOf(template, name).filter(({ action }) => /^s3:(Put|Delete)Object$/.test(action));
    expect(objects('restorestep').map(({ action, resource }) => [action, resource.replace(/.*\//, '/')])).toEqual([
      ['s3:PutObject', '/*'],
    ]);
    expect(objects('restorestep')[0]?.resource).toContain('/groups/*');
    const written = objects('backups').filter(({ action }) => action === 's3:PutObject');
    expect(written.map(({ resource }) => resource.replace(/^.*?\}/, '')).sort()).toEqual(['/backups/*', '/restores/*']);
  });

  test('a prefix that the deployment names can be read, and nothing else', () => {
    for (const name of ['backups', 'restorestep']) {
      const foreign = permissionsOf(template, name).filter(({ resource }) => resource.includes(':s3:::'));
      expect(foreign.map(({ action }) => action)).toEqual(['s3:GetObject']);
      expect(foreign[0]?.resource).toMatch(/:s3:::archive\/tenure\/\*$/);
    }
  });
});
