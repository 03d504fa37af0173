import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchWriteCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { appendEntries, electWriter } from '../../../api/operations/log.ts';
import { hasCode } from '../../../client/index.ts';
import { localDocuments } from '../../support/main-table.ts';
import { type Env, fed, json, leading, outOf, said, tenure } from '../leadership/command-line.ts';
import { client, eventually, folder, newGroup, tenure as process, run, signal } from '../leadership/tenure.ts';

const append = async (env: Env, input: string, ...argv: string[]) =>
  outOf(await fed(env, input, 'log', 'append', 'journal', ...argv));

/** A log that votes, founded by hand since that takes no time. */
async function newLog(env: Env = { TENURE_GROUP: newGroup() }): Promise<Env> {
  await said(env, 'log', 'create', 'journal', '--no-auto-initialize');
  await said(env, 'log', 'init', 'journal');
  return env;
}

const whenVoting = (env: Env) =>
  eventually('all replicas vote', async () => (await json(env, 'log', 'status', 'journal')).voting === 3);

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Exit code 1, nothing on standard output, and this on standard error. */
async function refused(env: Env, line: string, why: RegExp): Promise<void> {
  const { code, out, err } = await tenure(env, 'log', ...line.split(' '));
  expect({ code, out }, line).toEqual({ code: 1, out: '' });
  expect(err).toMatch(why);
}

test('a log from its creation to its truncation, told to people and to programs', async () => {
  const env = { TENURE_GROUP: newGroup() };
  expect(await said(env, 'log', 'ls')).toBe('no logs yet: tenure log create NAME makes one\n');
  await refused(env, 'status journal', /has no log "journal"/);
  expect(await said(env, 'log', 'create', 'journal')).toBe('log journal is created\n');
  await whenVoting(env);
  expect(await json(env, 'log', 'create', 'journal')).toMatchObject({
    log: 'journal',
    autoInitialize: true,
    quorum: 2,
  });

  expect(await append(env, '')).toBe('nothing to append\n');
  expect(await append(env, '', '--json')).toBe('{"count":0}\n');
  expect((await json(env, 'log', 'status', 'journal')).end).toBe(0);
  expect(await append(env, 'one\ntwo\r\n\nfour')).toBe('4 entries, positions 1 to 4\n');
  const fetch = vi.spyOn(globalThis, 'fetch');
  onTestFinished(() => void fetch.mockRestore());
  expect(JSON.parse(await append(env, '5\n6\n7\n8\n9\n', '--batch', '2', '--json'))).toEqual({
    count: 5,
    first: 5,
    last: 9,
  });
  const sent = fetch.mock.calls.filter(([url]) => String(url).endsWith('/entries'));
  const batches = sent.map(([, init]) => JSON.parse(String(init?.body)).entries.length);
  expect([Math.max(...batches), batches.reduce((sum, count) => sum + count, 0)]).toEqual([2, 5]);

  expect(await said(env, 'log', 'read', 'journal')).toBe('one\ntwo\n\nfour\n5\n6\n7\n8\n9\n');
  expect(await said(env, 'log', 'read', 'journal', '--from', '2', '--to', '4')).toBe('two\n\nfour\n');
  const lines = (await said(env, 'log', 'read', 'journal', '--from', '8', '--json')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { position: 8, data: base64('8') },
    { position: 9, data: base64('9') },
  ]);
  await refused(env, 'read journal --to 10', /ends at position 9/);
  await refused(env, 'read journal --from 3 --to 2', /Position 2 lies before 3/);

  expect(await said(env, 'log', 'truncate', 'journal', '3')).toBe('log journal begins at 3\n');
  expect(await json(env, 'log', 'truncate', 'journal', '8')).toEqual({ position: 11 });
  await refused(env, 'read journal --from 7', /begins at position 8/);
  await refused(env, 'truncate journal 99', /next position, 12/);
  expect(await said(env, 'log', 'read', 'journal')).toBe('8\n9\n');

  await eventually('no replica lags', async () => {
    const { replicas } = await json(env, 'log', 'status', 'journal');
    return replicas.every(({ lag }: { lag: number }) => lag === 0);
  });
  // A table may be throttled just when it is asked.
  const status = await eventually('all replicas vote', async () => {
    const text = await said(env, 'log', 'status', 'journal');
    return text.includes('3 of 3') && text;
  });
  expect(status).toMatch(/^log +journal\nbegin +8\nend +11\nvoting +3 of 3, 2 needed\n\nREPLICA +STATUS +BEGIN +END/);
  expect(status.match(/^\d +VOTING +\d+ +\d+ +\d+ +\d+$/gm)).toHaveLength(3);
  await whenVoting(env);
  const shown = await json(env, 'log', 'status', 'journal');
  expect(shown).toMatchObject({ log: 'journal', begin: 8, end: 11, quorum: 2, voting: 3 });
  expect(shown.replicas.map(({ id }: { id: string }) => id)).toEqual(['1', '2', '3']);
  await said(env, 'log', 'create', 'another');
  expect(await said(env, 'log', 'ls')).toMatch(/^LOG +BEGIN +END +VOTING +LAG\nanother .*\njournal +8 +11 +3\/3 +0\n$/);
  expect((await json(env, 'log', 'ls')).map(({ log }: { log: string }) => log)).toEqual(['another', 'journal']);
});

test('a tail continues until a signal ends it, and then it has succeeded', async () => {
  const env = await newLog();
  const group = ['--group', env['TENURE_GROUP'] ?? ''];
  await append(env, 'one\ntwo\n');
  const tail = process('log', 'tail', 'journal', ...group);
  const asJson = process('log', 'tail', 'journal', '--from', '2', '--json', ...group);
  await Promise.all([tail.says('two\n'), asJson.says('{"position":2')]);
  await append(env, 'three\n');
  await Promise.all([tail.says('three\n'), asJson.says('{"position":3')]);
  signal(tail.child.pid ?? 0, 'SIGINT');
  signal(asJson.child.pid ?? 0, 'SIGTERM');
  expect(await Promise.all([tail.ended(), asJson.ended()])).toEqual([0, 0]);
  expect(tail.output()).toBe('one\ntwo\nthree\n');
  const second = `{"position":2,"data":"${base64('two')}"}\n`;
  expect(asJson.output()).toBe(`${second}{"position":3,"data":"${base64('three')}"}\n`);
});

test('a log that is founded by hand takes entries after tenure log init', async () => {
  const env = { TENURE_GROUP: newGroup() };
  await said(env, 'log', 'create', 'journal', '--no-auto-initialize');
  const early = await fed(env, 'early\n', 'log', 'append', 'journal', '--deadline', '10s', '--json');
  expect({ ...early, err: JSON.parse(early.err) }).toEqual({
    code: 1,
    out: '',
    err: { error: { code: 'log_not_recovered', message: expect.stringContaining('0 replicas of log "journal" vote') } },
  });
  await refused(env, 'read journal', /0 replicas of log "journal" vote and 2 must/);
  await refused(env, 'recover journal --replica 1 --wait 300ms', /After 0.3 s replica 1 is EMPTY/);
  expect(await said(env, 'log', 'init', 'journal', '--replica', '2')).toBe('replica 2: VOTING\n');
  const all = ['1', '2', '3'].map((replica) => ({ replica, status: 'VOTING' }));
  expect(await json(env, 'log', 'init', 'journal')).toEqual(all);
  expect(await append(env, 'first\n')).toBe('1 entry, position 1\n');
  // A replica that votes needs no founding, forced or not.
  expect(await json(env, 'log', 'init', 'journal', '--force')).toEqual(all);
  expect(await said(env, 'log', 'read', 'journal')).toBe('first\n');
});

test('the term of tenure lead outranks older ones, and a deposed leader is told by the exit code', async () => {
  const old = await leading();
  const group = old['TENURE_GROUP'] ?? '';
  await newLog({ TENURE_GROUP: group });
  expect(await append(old, 'one\n')).toBe('1 entry, position 1\n');
  const withoutTerm = await fed({ TENURE_GROUP: group }, 'outside\n', 'log', 'append', 'journal');
  expect(withoutTerm).toMatchObject({ code: 1, out: '', err: expect.stringContaining('of a newer term; stop') });
  await client().revoke(group, { fencingVersion: 1, reason: 'test', force: true });
  const next = await eventually('another one leads', () => leading(group).catch(() => undefined));
  for (const argv of [
    ['append', 'journal'],
    ['truncate', 'journal', '1'],
  ]) {
    const { code, out, err } = await fed(old, 'late\n', 'log', ...argv);
    expect({ code, out }, argv.join(' ')).toEqual({ code: 75, out: '' });
    expect(err).toMatch(/^tenure: Term 1 of group/);
  }
  expect(await append(next, 'two\n')).toBe('1 entry, position 2\n');
  expect(await said(old, 'log', 'read', 'journal')).toBe('one\ntwo\n');
});

test('an append that is refused ends at once, though its input stays open', async () => {
  const append = `node cli/tenure.mjs log append nowhere --group ${newGroup()}`;
  const open = join(folder(), 'open');
  const appending = run('sh', ['-c', `mkfifo ${open}; exec 3<>${open}; echo entry >&3; exec ${append} <&3`]);
  await eventually('the command ends', () => appending.child.exitCode !== null, 20_000);
  expect([appending.child.exitCode, appending.output()]).toEqual([1, expect.stringMatching(/^tenure: \S/)]);
});

test('replicas are recovered, caught up and left alone', async () => {
  const env = await newLog();
  const group = env['TENURE_GROUP'] ?? '';
  await append(env, 'one\ntwo\nthree\n');
  const recover = (...argv: string[]) => said(env, 'log', 'recover', 'journal', ...argv);
  expect(await recover('--cancel')).toBe([1, 2, 3].map((id) => `replica ${id}: VOTING, nothing stopped\n`).join(''));
  expect(await recover('--wait', '60s')).toMatch(/^(replica \d: VOTING, [0-9a-z-]+\n){3}$/);

  await forget(group, '3');
  expect(await json(env, 'log', 'status', 'journal')).toMatchObject({ voting: 2, replicas: [{}, {}, { lag: 3 }] });
  expect(JSON.parse(await recover('--replica', '3', '--wait', '60s', '--json'))).toEqual([
    { replica: '3', status: 'VOTING', executionId: expect.any(String) },
  ]);
  await eventually('replica 3 has everything', async () => {
    const { voting, replicas } = await json(env, 'log', 'status', 'journal');
    return voting === 3 && replicas.at(2).end === 3 && replicas.at(2).lag === 0;
  });

  const params = { group, log: 'journal' };
  const { writerId } = await client().call(electWriter, { params });
  const write = { params, headers: { 'Log-Writer': writerId }, body: { entries: [base64('more')] } };
  expect(JSON.parse(await recover('--replica', '2', '--force', '--json'))).toMatchObject([{ replica: '2' }]);
  await eventually('the recovery has closed the writer', () =>
    client()
      .call(appendEntries, write)
      .then(
        () => false,
        (error) => hasCode(error, 'not_elected', 'exclusivity_lost'),
      ),
  );
  await whenVoting(env);
});

/** Removes what a replica holds of one log: as if its table had been lost, for this log only. */
async function forget(group: string, replica: string): Promise<void> {
  const { dynamodb, replicaTables } = inject('stack');
  const table = replicaTables[Number(replica) - 1] ?? '';
  const documents = localDocuments(dynamodb, inject('stack'));
  const { Items = [] } = await documents.send(
    new ScanCommand({
      TableName: table,
      FilterExpression: 'begins_with(pk, :log)',
      ExpressionAttributeValues: { ':log': `LOG#${group}#journal#` },
    }),
  );
  const requests = Items.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } }));
  await documents.send(new BatchWriteCommand({ RequestItems: { [table]: requests } }));
}

test('a command line that is wrong ends with 64 and writes nothing', async () => {
  const env = await newLog();
  for (const line of [
    'create',
    'create a/b',
    'append journal --batch 0',
    'append journal --batch 65',
    'append journal --deadline 5',
    'read journal --from first',
    'read journal --to -1',
    'tail journal --from 1.5',
    'truncate journal',
    'truncate journal nine',
    'init journal --replica 9',
    'recover journal --replica 4',
    'recover journal --force',
    'recover journal --replica 1 --force --cancel',
    'recover journal --replica 1 --force --wait 1s',
    'recover journal --cancel --wait 1s',
    'recover journal --wait soon',
    'forget journal',
  ]) {
    const { code, out, err } = await fed(env, 'entry\n', 'log', ...line.split(' '));
    expect({ code, out }, line).toEqual({ code: 64, out: '' });
    expect(err, line).toMatch(/^tenure: \S/);
  }
  const tooLong = await fed(env, `${'x'.repeat(256 * 1024 + 1)}\n`, 'log', 'append', 'journal', '--json');
  expect([tooLong.code, JSON.parse(tooLong.err).error.code]).toEqual([64, 'invalid_request']);
  const halfTerm = { ...env, TENURE_FENCING_VERSION: '1' };
  expect((await fed(halfTerm, 'entry\n', 'log', 'append', 'journal')).err).toContain('run it under tenure lead');
  expect(await json(env, 'log', 'status', 'journal')).toMatchObject({ end: 0, voting: 3 });
});

test('appends and recoveries show how far they are on a terminal, and nothing of it elsewhere', async () => {
  const env = await newLog();
  const empty = { TENURE_GROUP: newGroup() };
  await said(empty, 'log', 'create', 'journal', '--no-auto-initialize');
  const json = join(folder(), 'json');
  const log = (what: string, { TENURE_GROUP: group = '' }: Env) => `node cli/tenure.mjs log ${what} --group ${group}`;
  const script = [
    'stty cols 100 rows 40',
    `seq 30 | ${log('append journal --batch 1', env)}`,
    log('recover journal --replica 1 --wait 60s', env),
    `${log('recover journal --replica 1 --wait 1s', empty)} || echo "ended with $?"`,
    `seq 5 | ${log('append journal --batch 1 --json', env)} >${json}`,
    `${log('recover journal --replica 1 --wait 60s --json', env)} >>${json}`,
  ].join('\n');
  const terminal = run('script', ['--quiet', '--return', '--command', script, '/dev/null']);
  expect(await terminal.ended(), terminal.output()).toBe(0);
  const [shown = '', nothing] = terminal.output().split('ended with 1\r\n');
  expect(shown).toContain('\u001b[');
  expect(shown).toMatch(/\d+ entries were appended, the last at position \d+/);
  for (const line of ['Appending to journal', 'Recovering journal', 'replica 1 is EMPTY, 0 behind'])
    expect(shown).toContain(line);
  expect(shown, 'the result alone stays').not.toMatch(/Appended to|Recovered journal/);
  expect(shown).toContain('30 entries, positions 1 to 30');
  expect(nothing).toBe('');
  const [appended = '', recovered = ''] = readFileSync(json, 'utf8').split('\n');
  expect(JSON.parse(appended)).toEqual({ count: 5, first: 31, last: 35 });
  expect(JSON.parse(recovered)).toMatchObject([{ replica: '1', status: 'VOTING' }]);
});
