import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventually } from '../end-to-end/leadership/tenure.ts';
import { startMiniStack } from './server.ts';

/** Those of a process group that still run. */
const processesOf = (group: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        // After the name in brackets: state, parent, process group.
        const [state, , of] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
        return Number(of) === group && state !== 'Z';
      } catch {
        return false;
      }
    })
    .map(Number);

test.skipIf(process.platform !== 'linux')('stopping it ends each process that it started', async () => {
  const server = await startMiniStack();
  expect(processesOf(server.group).length).toBeGreaterThan(1);
  server.stop();
  await eventually('its group is empty', async () => processesOf(server.group).length === 0);
});
