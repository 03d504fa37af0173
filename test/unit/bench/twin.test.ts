import { expect, test } from 'vitest';
import { Recorder, replay, type Sender } from '../../bench/handlers/twin.ts';

class Put {
  constructor(readonly input: { TableName: string; Key?: string }) {}
}

/** A store that answers when told, and keeps what it was sent. */
function store(refused: string[] = []) {
  const sent: string[] = [];
  const waiting: (() => void)[] = [];
  const client: Sender = {
    async send({ input }: Put) {
      sent.push(`${input.TableName} ${input.Key}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
      if (refused.includes(input.Key ?? '')) throw Object.assign(new Error(), { name: 'Refused' });
    },
  };
  const answerAll = async () => {
    await turn();
    for (const answer of waiting.splice(0)) answer();
    await turn();
  };
  return { client, sent, answerAll };
}

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));
const put = (Key: string) => new Put({ TableName: 'ours', Key });

test('a replay sends the same to the twin, side by side what was, and waits only for what the work waited for', async () => {
  const [ours, theirs] = [store(['b']), store(['b'])];
  const recorder = new Recorder(new Map([['ours', 'theirs']]));
  const client = recorder.record(ours.client, theirs.client);
  const first = client.send(put('a'));
  await ours.answerAll();
  await first;
  const refused = client.send(put('b')).catch(() => {});
  await ours.answerAll();
  await refused;
  const late = [client.send(put('c')), client.send(put('d'))];
  const recording = recorder.take();
  expect(recording.map(({ waitedFor }) => waitedFor)).toEqual([true, true, false, false]);

  const replayed = replay(recording);
  await turn();
  expect(theirs.sent).toEqual(['theirs a']);
  await theirs.answerAll();
  expect(theirs.sent).toEqual(['theirs a', 'theirs b']);
  await theirs.answerAll();
  expect(theirs.sent).toEqual(['theirs a', 'theirs b', 'theirs c', 'theirs d']);
  await Promise.all([ours.answerAll(), theirs.answerAll()]);
  expect(await replayed).toBeGreaterThanOrEqual(0);
  await Promise.all(late);
  expect(recorder.take()).toEqual([]);
});

test('a twin that ends otherwise is none', async () => {
  const [ours, theirs] = [store(), store(['a'])];
  const recorder = new Recorder(new Map());
  const work = recorder.record(ours.client, theirs.client).send(put('a'));
  await ours.answerAll();
  await work;
  const refused = expect(replay(recorder.take())).rejects.toThrow('Put ended with answered, its twin with Refused');
  await theirs.answerAll();
  await refused;
});
