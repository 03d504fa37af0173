/** A job whose record something outside Tenure has changed, as the command line shows it. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expect, inject, test } from 'vitest';
import { localDocuments } from '../../support/main-table.ts';
import { json, leading, said, tenure } from '../leadership/command-line.ts';
import { folder } from '../leadership/tenure.ts';

/** Writes past the service into the record of a job. */
async function damage(group: string, jobId: string): Promise<void> {
  const stack = inject('stack');
  await localDocuments(stack.dynamodb, stack).send(
    new UpdateCommand({
      TableName: stack.table,
      Key: { pk: `GROUP#${group}`, sk: `JOB#${jobId}` },
      ConditionExpression: 'attribute_exists(submittedAt)',
      UpdateExpression: 'SET fence = :beyond',
      ExpressionAttributeValues: { ':beyond': 9e15 },
    }),
  );
}

test('tenure job ls lists a damaged job with the reason, next to the others, to people and to programs', async () => {
  const leader = await leading();
  const graph = join(folder(), 'graph');
  writeFileSync(graph, 'graph');
  for (const job of ['after', 'hurt', 'intact']) await said(leader, 'job', 'submit', job, '--graph', graph);
  await damage(leader['TENURE_GROUP'] ?? '', 'hurt');

  const items = await json(leader, 'job', 'ls');
  expect(items.map(({ jobId, state }: Record<string, string>) => `${jobId} ${state}`)).toEqual([
    'after ACTIVE',
    'hurt DAMAGED',
    'intact ACTIVE',
  ]);
  const { reason } = items[1];
  expect(items[1]).toEqual({ jobId: 'hurt', state: 'DAMAGED', reason: expect.stringContaining('fence') });

  const [title, after, hurt, intact, ...rest] = (await said(leader, 'job', 'ls')).trimEnd().split('\n');
  expect([title, after, intact]).toEqual([
    expect.stringMatching(/^JOB +STATE /),
    expect.stringMatching(/^after +ACTIVE +1\b/),
    expect.stringMatching(/^intact +ACTIVE +1\b/),
  ]);
  expect(hurt?.replaceAll(/ +/g, ' ')).toBe(`hurt DAMAGED - - - - ${reason}`);
  expect(rest).toEqual([]);

  expect((await said(leader, 'job', 'ls', '--state', 'DAMAGED')).trimEnd().split('\n')).toHaveLength(2);
  expect(await json(leader, 'job', 'ls', '--state', 'ACTIVE')).toHaveLength(2);

  const shown = await tenure(leader, 'job', 'show', 'hurt');
  expect(shown).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`cannot be read: ${reason}`) });
  const recovered = await tenure(leader, 'recover', '--json');
  expect(recovered.code, 'a leader notices').toBe(1);
  expect(JSON.parse(recovered.out)).toMatchObject({
    jobs: [{ jobId: 'after' }, { jobId: 'intact' }],
    damaged: [{ jobId: 'hurt', reason: expect.stringContaining('fence') }],
  });
});
