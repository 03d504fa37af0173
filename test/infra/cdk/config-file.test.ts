import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { configFile, readStage, recordFile } from '../../../infra/config-file.ts';

function project(stages?: Record<string, object>) {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const write = (changed: Record<string, object>) =>
    writeFileSync(join(folder, configFile), JSON.stringify({ stages: changed }));
  if (stages) write(stages);
  const record = () => JSON.parse(readFileSync(join(folder, recordFile), 'utf8'));
  const read = (context: Record<string, string> = {}) => readStage(folder, new App({ context }).node);
  return { folder, write, record, read };
}

describe('tenure.config.json', () => {
  test('has the settings of each stage; -c stage says which', () => {
    const { read } = project({ dev: {}, prod: { replicas: 5, throttles: { contend: { rate: 10, burst: 20 } } } });
    expect(read()).toMatchObject({ stage: 'dev', replicas: 3 });
    expect(read({ stage: 'prod' })).toMatchObject({ stage: 'prod', replicas: 5, throttles: { contend: { rate: 10 } } });
  });

  test('without it the flags count, and nothing is written', () => {
    const { read, folder } = project();
    expect(read({ stage: 'blue', replicas: '1' })).toMatchObject({ stage: 'blue', replicas: 1 });
    expect(existsSync(join(folder, recordFile))).toBe(false);
  });

  test('is the only place for them: a flag next to it is refused', () => {
    const { read } = project({ dev: {} });
    expect(() => read({ replicas: '1', tracing: 'off' })).toThrow(/-c replicas and -c tracing: tenure.config.json has/);
  });

  test('names what is wrong with it', () => {
    const { read } = project({ dev: { replicas: 2 }, blue: { replcas: 3 } });
    expect(() => read()).toThrow('replicas=2: ');
    expect(() => read({ stage: 'blue' })).toThrow(/replcas/);
    expect(() => read({ stage: 'red' })).toThrow('has no stage "red"; it has dev, blue');
  });
});

describe('a stage that was deployed', () => {
  const durable = { replicas: 3, replicaRegions: ['us-west-2'], payloadUndeleteDays: 7 };

  test('leaves a record, next to those of other stages', () => {
    const { read, record } = project({ dev: {}, prod: durable });
    read();
    read({ stage: 'prod' });
    expect(record()).toEqual({
      dev: { replicas: 3, replicaRegions: [], payloadUndeleteDays: 1, ephemeral: false },
      prod: { ...durable, ephemeral: false },
    });
  });

  test.each([
    ['replicas', { ...durable, replicas: 1 }, /replicas: 3 → 1 \(logs lie on other tables/],
    ['replicas', { ...durable, replicas: 5 }, /replicas: 3 → 5/],
    ['replicaRegions', { ...durable, replicaRegions: [] }, /replicaRegions: us-west-2 → none/],
    ['payloadUndeleteDays', { ...durable, payloadUndeleteDays: 1 }, /payloadUndeleteDays: 7 → 1/],
    ['ephemeral', { ...durable, ephemeral: true }, /ephemeral: false → true \(nothing is protected/],
  ])('does not lose %s by a changed file, unless that is accepted by name', (name, changed, message) => {
    const { read, write, record } = project({ blue: durable });
    read({ stage: 'blue' });
    write({ blue: changed });
    expect(() => read({ stage: 'blue' })).toThrow(message);
    expect(() => read({ stage: 'blue' })).toThrow(`deploy with -c accept=${name}.`);
    expect(record().blue).toMatchObject(durable);
    expect(() => read({ stage: 'blue', accept: 'tracing' })).toThrow(message);
    read({ stage: 'blue', accept: name });
    expect(record().blue).toMatchObject(changed);
    read({ stage: 'blue' });
  });

  test('keeps deleted payloads longer, and is protected, without being asked', () => {
    const { read, write } = project({ blue: { ephemeral: true } });
    read({ stage: 'blue' });
    write({ blue: { payloadUndeleteDays: 30 } });
    expect(read({ stage: 'blue' })).toMatchObject({ payloadUndeleteDays: 30, ephemeral: false });
  });
});
