import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { newJob } from './job-service.ts';

test('checkpoints are committed while a savepoint that was added before them is uploaded', async () => {
  const { checkpoints, service, time } = newJob();
  const source = new PassThrough();
  source.write('a part of it');
  const savepoint = checkpoints.addSavepoint(source);
  const added = ['one', 'two'].map((state) => checkpoints.add(state));
  await time.advance(60_000);
  expect(service.commits).toEqual([
    { kind: 'checkpoint', expected: 1 },
    { kind: 'checkpoint', expected: 2 },
  ]);
  source.end();
  expect(await savepoint).toMatchObject({ checkpointId: 3 });
  expect(service.commits.at(-1)).toEqual({ kind: 'savepoint', expected: 3 });
  expect(await Promise.all(added)).toMatchObject([{ checkpointId: 1 }, { checkpointId: 2 }]);
});

test('a savepoint is committed while a checkpoint and a savepoint that were added before it are uploaded', async () => {
  const { checkpoints, service, time } = newJob();
  const sources = [new PassThrough(), new PassThrough()] as const;
  const checkpoint = checkpoints.add(sources[0]);
  const earlier = checkpoints.addSavepoint(sources[1]);
  const later = checkpoints.addSavepoint('state');
  const waiting = checkpoints.add('state');
  await time.advance(60_000);
  expect(service.commits).toEqual([{ kind: 'savepoint', expected: 1 }]);
  sources[0].end();
  expect(await checkpoint).toMatchObject({ checkpointId: 2 });
  expect(await waiting).toMatchObject({ checkpointId: 3 });
  sources[1].end();
  expect(await earlier).toMatchObject({ checkpointId: 4 });
  expect(await later).toMatchObject({ checkpointId: 1 });
});

test('one commit is asked for at a time, with the id it expects, and the signal ends the wait for those before', async () => {
  const { checkpoints, service, time } = newJob();
  let answer = () => {};
  service.answering = new Promise((resolve) => {
    answer = resolve;
  });
  const stop = new AbortController();
  const first = checkpoints.add('one');
  await time.advance(0);
  const stopped = checkpoints.addSavepoint('two', { signal: stop.signal });
  stopped.catch(() => {});
  const last = checkpoints.addSavepoint('three');
  await time.advance(0);
  stop.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
  expect(service.commits).toEqual([{ kind: 'checkpoint', expected: 1 }]);
  answer();
  expect(await Promise.all([first, last])).toMatchObject([{ checkpointId: 1 }, { checkpointId: 2 }]);
  expect(service.commits.at(-1)).toEqual({ kind: 'savepoint', expected: 2 });
});
