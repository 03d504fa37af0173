import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { asked, ledGroup, newGroup } from '../leadership/tenure.ts';

async function call(method: string, path: string, body?: object) {
  const response = await fetch(`${inject('stack').api}/v1/groups/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

const problem = (status: number, code: string) => ({ status, body: { code, status, type: `urn:tenure:${code}` } });

test('a policy is put, shown and taken back, by the API and the command line', async () => {
  const group = newGroup();
  const path = `${group}/backup-policy`;
  expect(await call('GET', path)).toMatchObject(problem(404, 'not_found'));
  const policy = { everyMs: 3_600_000, retain: 3 };
  const kept = { ...policy, misfire: 'skip' };
  expect(await call('PUT', path, policy)).toEqual({ status: 200, body: kept });
  expect(await call('GET', path)).toEqual({ status: 200, body: kept });
  for (const wrong of [
    { retain: 3 },
    { ...policy, dailyAt: '01:00' },
    { ...policy, keep: 1 },
    { everyMs: 1, retain: 3 },
  ]) {
    expect(await call('PUT', path, wrong)).toMatchObject(problem(400, 'invalid_request'));
  }
  const daily = await asked('backup', 'policy', '--group', group, '--daily-at', '02:30', '--retain', '7', '--catch-up');
  expect(daily.output.replaceAll(/ +/g, ' ')).toBe('taken daily at 02:30 UTC\nkept the newest 7\nmissed taken later');
  const shown = { dailyAt: '02:30', retain: 7, misfire: 'catch-up' };
  expect(JSON.parse((await asked('backup', 'policy', '--group', group, '--json')).output)).toEqual(shown);
  expect(await asked('backup', 'policy', '--group', group, '--every', '1h')).toMatchObject({ code: 64 });
  expect((await asked('backup', 'policy', '--group', group, '--off')).code).toBe(0);
  expect(await call('DELETE', path)).toEqual({ status: 200, body: {} });
  expect(await asked('backup', 'policy', '--group', group)).toMatchObject({ code: 1 });
});

test('a backup is listed, shown, shared and removed; what is not there or not allowed is refused', async () => {
  const [group, guest] = [await ledGroup(), newGroup()];
  const created = await call('POST', `${group}/backups`, { bypassDelegation: true });
  expect(created).toMatchObject({ status: 202, body: { state: 'INITIATING', group } });
  const backupId = created.body['backupId'] ?? '';
  const status = () => call('GET', `${group}/backups/${backupId}`);
  await expect.poll(status, { timeout: 120_000 }).toMatchObject({ status: 200, body: { state: 'COMPLETED' } });
  const { uri } = (await status()).body;
  expect((await asked('backup', 'ls', '--group', group)).output).toContain(backupId);
  expect((await asked('backup', 'show', backupId, '--group', group)).output).toContain('COMPLETED');

  const unknown = randomUUID();
  expect(await call('POST', `${group}/backups/${unknown}/share`, { group: guest })).toMatchObject(
    problem(404, 'not_found'),
  );
  const restore = `${guest}/restore`;
  for (const wrong of [{}, { backupId, uri }, { backupId: 'x' }, { from: backupId }]) {
    expect(await call('POST', restore, wrong)).toMatchObject(problem(400, 'invalid_request'));
  }
  expect(await call('POST', restore, { backupId: unknown })).toMatchObject(problem(404, 'not_found'));
  for (const source of [{ backupId }, { uri }, { uri: 'file://host/backup/' }, { uri: 's3://elsewhere/backup/' }]) {
    expect(await call('POST', restore, source)).toMatchObject(problem(403, 'source_forbidden'));
  }
  expect(await call('GET', `${guest}/restores/${unknown}`)).toMatchObject(problem(404, 'not_found'));
  expect(await call('POST', `${guest}/restores/${unknown}/abandon`, {})).toMatchObject(problem(404, 'not_found'));

  const shared = { status: 200, body: { sharedWith: [guest] } };
  expect(await call('POST', `${group}/backups/${backupId}/share`, { group: guest })).toEqual(shared);
  expect(await call('POST', `${group}/backups/${backupId}/share`, { group: guest })).toEqual(shared);
  const begun = await call('POST', restore, { backupId });
  expect(begun).toMatchObject({ status: 202, body: { restoreId: expect.any(String), group: guest, uri } });
  const restoreId = begun.body['restoreId'] ?? '';
  await expect
    .poll(() => call('GET', `${guest}/restores/${restoreId}`), { timeout: 120_000 })
    .toMatchObject({
      status: 200,
      body: { restoreId, state: 'COMPLETED', entryCount: 1, restoredEntries: 1 },
    });
  expect((await asked('restore', 'show', restoreId, '--group', guest)).output).toContain('COMPLETED');
  expect(await call('POST', `${guest}/restores/${restoreId}/abandon`, {})).toMatchObject(
    problem(409, 'restore_completed'),
  );
  expect(await call('POST', restore, { backupId })).toMatchObject(problem(409, 'group_not_empty'));

  expect((await asked('backup', 'rm', backupId, '--group', group)).code).toBe(0);
  expect(await asked('backup', 'show', backupId, '--group', group)).toMatchObject({ code: 1 });
  expect(await call('POST', `${newGroup()}/restore`, { backupId })).toMatchObject(problem(404, 'not_found'));
});
