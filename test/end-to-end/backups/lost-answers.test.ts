/** Commands whose first request is carried out and whose answer is lost on the way: the next try is a success. */
import { randomUUID } from 'node:crypto';
import { expect, inject, onTestFinished, test } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { startLosingProxy } from '../../support/losing-proxy.ts';
import { recordedShell } from '../../support/shell.ts';
import { ledGroup, newGroup } from '../leadership/tenure.ts';
import { gate, meanwhile, start } from './backups.ts';

/** Runs commands over a connection that loses the first answer of each write. */
async function overLosses(group: string) {
  const proxy = await startLosingProxy(inject('stack').api);
  onTestFinished(() => proxy.stop());
  return {
    tries: (method: string, path: string) => proxy.tries.get(`${method} /v1/groups/${path}`),
    async run(...argv: string[]) {
      const { shell, out, err } = recordedShell({ TENURE_URL: proxy.url, TENURE_GROUP: group });
      const code = await runCli([...argv, '--json'], shell);
      return { code, answer: out() === '' ? undefined : JSON.parse(out()), err: err() };
    },
  };
}

test('a backup whose answers are lost is taken once, shared, and deleted, each with exit code 0', async () => {
  const [group, guest] = [await ledGroup(), newGroup()];
  const { run, tries } = await overLosses(group);
  const created = await run('backup', 'create', '--bypass-delegation');
  expect(created).toMatchObject({ code: 0, answer: { state: 'COMPLETED' } });
  expect(tries('POST', `${group}/backups`)).toBe(2);
  const { backupId } = created.answer;
  expect((await run('backup', 'ls')).answer).toMatchObject([{ backupId }]);

  const path = `${group}/backups/${backupId}`;
  const share = await run('backup', 'share', backupId, '--with', guest);
  expect(share).toMatchObject({ code: 0, answer: { sharedWith: [guest] } });
  const unshare = await run('backup', 'unshare', backupId, '--with', guest);
  expect(unshare).toMatchObject({ code: 0, answer: { sharedWith: [] } });
  expect([tries('POST', `${path}/share`), tries('DELETE', `${path}/share/${guest}`)]).toEqual([2, 2]);

  expect(await run('backup', 'rm', backupId)).toEqual({ code: 0, answer: { deleted: true }, err: '' });
  expect(tries('DELETE', path)).toBe(2);
  expect((await run('backup', 'ls')).answer).toEqual([]);
  const again = await run('backup', 'rm', backupId);
  expect(again, 'another command, after the deletion').toMatchObject({ code: 1 });
  expect(again.err).toContain('not_found');
  expect((await run('backup', 'rm', randomUUID())).code, 'one that never existed').toBe(1);
});

test('so are a policy, and the end of a backup that a worker has begun', async () => {
  const group = await ledGroup();
  const { run, tries } = await overLosses(group);
  expect((await run('backup', 'policy', '--every', '1h', '--retain', '3')).code).toBe(0);
  expect((await run('backup', 'policy', '--off')).code).toBe(0);
  expect([tries('PUT', `${group}/backup-policy`), tries('DELETE', `${group}/backup-policy`)]).toEqual([2, 2]);

  const held = gate();
  onTestFinished(held.open);
  await start({ onTestFinished }, group, 'worker', { at: (moment) => moment === 'half' && held.wait() });
  const { backupId } = (await run('backup', 'create', '--async')).answer;
  await meanwhile(group, backupId, held.reached);
  expect(await run('backup', 'cancel', backupId)).toMatchObject({
    code: 0,
    answer: { state: 'FAILED', error: { code: 'cancelled' } },
  });
  expect(tries('POST', `${group}/backups/${backupId}/cancel`)).toBe(2);
});
