import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { installed } from '../support/generators/installed.ts';
import { project } from '../support/stack.ts';

const program = `const { TenureClient, hasCode } = await import('tenure');
const refused = new TenureClient({ url: 'http://127.0.0.1:9', deadlineMs: 1 }).observe('orders');
console.log(process.versions.node.split('.')[0], await refused.catch((error) => hasCode(error, 'unreachable')));
`;

/** npm has the programs for Linux on x64 as packages. */
const obtainable = process.platform === 'linux' && process.arch === 'x64';

test.runIf(obtainable).each(['22', '24'])('the packed library and command run on Node %s', (version) => {
  const nodes = installed(join(project, 'test/support/package/nodes'));
  const node = join(nodes, 'node_modules', `node-${version}`, 'bin/node');
  expect(existsSync(node)).toBe(true);
  const cwd = inject('consumer');
  const run = (...argv: string[]) => spawnSync(node, argv, { cwd, encoding: 'utf8' });
  writeFileSync(join(cwd, 'program.mjs'), program);
  expect(run('program.mjs')).toMatchObject({ stdout: `${version} true\n`, stderr: '', status: 0 });
  writeFileSync(join(cwd, 'program.cjs'), "console.log(typeof require('tenure').LeaderElector);");
  expect(run('program.cjs')).toMatchObject({ stdout: 'function\n', stderr: '', status: 0 });
  const command = run(
    'node_modules/tenure/cli/tenure.mjs',
    'leader',
    'show',
    '-g',
    'orders',
    '--url',
    'http://127.0.0.1:9',
  );
  expect(command).toMatchObject({ status: 69, stderr: expect.stringContaining('cannot be reached') });
});
