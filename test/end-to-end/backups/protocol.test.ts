import { expect, inject, test } from 'vitest';
import { backupTimes } from '../../support/backups/times.ts';
import { eventually, ledGroup } from '../leadership/tenure.ts';

/** As a worker that somebody else has written would speak. */
function speaker(group: string) {
  return async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${inject('stack').api}/v1/groups/${group}/${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: the test says what it holds
    return [answer.status, (await answer.json()) as any] as const;
  };
}

test('a worker registers, is asked, answers, beats, gives up and says goodbye, as the API says', async () => {
  const group = await ledGroup();
  const say = speaker(group);
  expect(await say('GET', 'workers/w/commands')).toMatchObject([404, { code: 'not_found' }]);
  const [, { pollAfterMs }] = await eventually('the worker is registered', async () => {
    const answer = await say('PUT', 'workers/w', { host: 'here' });
    return answer[0] === 200 && answer;
  });
  expect(pollAfterMs).toBeGreaterThanOrEqual(250);
  expect(await say('PUT', 'workers/w', { host: 'here', more: 1 })).toMatchObject([400, { code: 'invalid_request' }]);
  expect(await say('GET', 'workers/w/commands?waitMs=20001')).toMatchObject([400, { code: 'invalid_request' }]);
  expect(await say('GET', 'workers/w/commands?waitMs=0')).toMatchObject([200, { commands: [] }]);
  const seen = { worker: 'w', host: 'here', present: true, lastSeenAt: expect.stringMatching(/Z$/) };
  expect(await say('GET', 'workers')).toEqual([200, { items: [seen] }]);

  const [status, { backupId }] = await say('POST', 'backups', {});
  expect(status).toBe(202);
  const asked = () =>
    eventually('the worker is asked', async () => {
      const [, { commands }] = await say('GET', 'workers/w/commands?waitMs=20000');
      expect(commands.length).toBeLessThanOrEqual(1);
      return commands[0];
    });
  const suspend = await asked();
  const { suspendMs: suspendTimeoutMs } = backupTimes;
  expect(suspend).toEqual({ type: 'suspend', commandId: expect.any(String), backupId, attempt: 1, suspendTimeoutMs });
  const answer = `workers/w/commands/${suspend.commandId}/answer`;
  expect(await say('POST', answer, { accepted: true, position: {} })).toEqual([200, {}]);
  expect(await say('POST', answer, { accepted: true, position: {} })).toEqual([200, {}]);
  expect(await say('POST', answer, { accepted: false, reason: 'no' })).toMatchObject([404, { code: 'not_found' }]);
  const offer = await asked();
  expect(offer).toMatchObject({ type: 'backup', backupId, attempt: 1, cut: {}, target: { type: 's3' } });
  expect(offer.target.prefix).toMatch(new RegExp(`^s3://.+/backups/${group}/${backupId}/1/$`));
  expect(await say('POST', `workers/w/commands/${offer.commandId}/answer`, { accepted: true })).toEqual([200, {}]);
  expect(await say('GET', 'workers')).toEqual([200, { items: [{ ...seen, busyWith: backupId }] }]);

  const secret = { 'attempt-secret': offer.attemptSecret };
  const attempt = (number: number) => `backups/${backupId}/attempts/${number}`;
  const beat = { sequence: 5, state: 'RUNNING', entryCount: 3, bytes: 30, position: {} };
  expect(await say('POST', `${attempt(1)}/heartbeat`, beat)).toMatchObject([400, { code: 'invalid_request' }]);
  expect(await say('POST', `${attempt(1)}/heartbeat`, beat, secret)).toEqual([200, { verdict: 'continue' }]);
  const late = { ...beat, sequence: 4, entryCount: 1 };
  expect(await say('POST', `${attempt(1)}/heartbeat`, late, secret)).toEqual([200, { verdict: 'continue' }]);
  expect(await say('POST', `${attempt(2)}/heartbeat`, beat, secret)).toEqual([200, { verdict: 'superseded' }]);
  const other = { 'attempt-secret': 'x'.repeat(32) };
  expect(await say('POST', `${attempt(1)}/finish`, finished, other)).toEqual([200, { verdict: 'superseded' }]);
  const nowhere = 'backups/0197b0f0-0000-7000-8000-000000000000/attempts/1/heartbeat';
  expect(await say('POST', nowhere, beat, secret)).toMatchObject([404, { code: 'not_found' }]);
  expect((await say('GET', `backups/${backupId}`))[1]).toMatchObject({ entryCount: 3, bytes: 30, attempt: 1 });

  const failure = { code: 'disk_full', message: 'no space' };
  expect(await say('POST', `${attempt(1)}/fail`, failure, secret)).toEqual([200, { verdict: 'continue' }]);
  const ended = await eventually('the backup has failed', async () => {
    const [, shown] = await say('GET', `backups/${backupId}`);
    return shown.state === 'FAILED' && shown;
  });
  expect(ended.error).toEqual(failure);
  expect(JSON.stringify(ended)).not.toContain(offer.attemptSecret);
  for (const [what, body] of [
    ['heartbeat', { ...beat, sequence: 6 }],
    ['finish', finished],
    ['fail', failure],
  ] as const)
    expect(await say('POST', `${attempt(1)}/${what}`, body, secret)).toEqual([200, { verdict: 'superseded' }]);
  expect(await say('GET', `backups/${backupId}`)).toEqual([200, ended]);

  expect(await say('POST', `backups/${backupId}/cancel`, {})).toMatchObject([409, { code: 'backup_final' }]);
  expect(await say('DELETE', 'workers/w')).toEqual([200, {}]);
  expect(await say('DELETE', 'workers/w')).toEqual([200, {}]);
  expect(await say('GET', 'workers')).toEqual([200, { items: [] }]);
  expect(await say('POST', 'backups', {})).toMatchObject([412, { code: 'no_worker', retryable: true }]);
  expect(await say('DELETE', `backups/${backupId}`)).toEqual([200, { deleted: true }]);
  expect(await say('GET', `backups/${backupId}`)).toMatchObject([404, { code: 'not_found' }]);
  expect((await say('PATCH', 'workers'))[0]).toBe(405);
});

const finished = { uri: 's3://nowhere/', entryCount: 1, bytes: 1, manifestSha256: 'a'.repeat(64) };
