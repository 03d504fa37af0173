import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { sizes } from '../../sizes.ts';
import { project } from '../../support/stack.ts';
import { client, eventually, leaderOf, newGroup, run, signal } from './tenure.ts';

interface Note {
  what: 'granted' | 'revoked' | 'thawed' | 'acted';
  fencingVersion: number;
  leads?: boolean;
  reason?: string;
}

const start = (group: string, id: string) => {
  const program = join(project, 'test/end-to-end/leadership/contender.ts');
  return run(process.execPath, ['--import', 'tsx', program, inject('stack').api, group, id]);
};
const notes = (output: string) =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Note);

test('a process that stood still notices that it lost the lease before it acts', async () => {
  const group = newGroup();
  const contenders = { a: start(group, 'a'), b: start(group, 'b') };
  let led = 0;
  for (let round = 0; round < sizes.leadership.freezes; round += 1) {
    const frozen = await leaderOf(group, (version) => version > led);
    const { child, output } = contenders[frozen.contenderId as 'a' | 'b'];
    signal(child.pid ?? 0, 'SIGSTOP');
    const next = await leaderOf(group, (version) => version > frozen.fencingVersion);
    expect(next.contenderId).not.toBe(frozen.contenderId);
    const before = notes(output()).length;
    signal(child.pid ?? 0, 'SIGCONT');
    await eventually('it says that it was thawed and that it lost', () => {
      const said = notes(output()).slice(before);
      return said.some(({ what }) => what === 'thawed') && said.some(({ what }) => what === 'revoked');
    });
    const said = notes(output());
    const since = said.slice(before);
    expect(since.find(({ what }) => what === 'thawed')).toMatchObject({ leads: false });
    const thawed = since.findIndex(({ what }) => what === 'thawed' || what === 'revoked');
    expect(since.slice(thawed)).not.toContainEqual(
      expect.objectContaining({ what: 'acted', fencingVersion: frozen.fencingVersion }),
    );
    expect(said.filter((note) => note.what === 'revoked' && note.fencingVersion === frozen.fencingVersion)).toEqual([
      expect.objectContaining({ reason: 'expired' }),
    ]);
    await expect(client().renew(group, frozen, {})).rejects.toMatchObject({ code: 'leadership_lost' });
    led = frozen.fencingVersion;
  }
});
