/** The output of openapi-python-client for docs/openapi.json: every operation, and a program that leads a group. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogue } from '../../api/catalogue.ts';
import { project, type RunningStack, startStack } from '../support/stack.ts';

const program = `
import sys
from tenure_client import Client
from tenure_client.api.leadership import confirm, contend, observe
from tenure_client.models import ConfirmRequest, ContendRequest, ContendResult, ObserveResult

client = Client(base_url=sys.argv[1])
term = contend.sync("orders", client=client, body=ContendRequest(contender_id="generated", lease_ms=60000))
assert isinstance(term, ContendResult), term
fence = {"fencing_version": term.fencing_version, "leader_session": term.session_id}
print(confirm.sync_detailed("orders", client=client, body=ConfirmRequest(address="http://10.0.0.7"), **fence).status_code.value)
seen = observe.sync("orders", client=client, consistent=True)
assert isinstance(seen, ObserveResult), seen
print(seen.leader.contender_id, seen.fencing_version)
late = {"fencing_version": 7, "leader_session": term.session_id}
refused = confirm.sync("orders", client=client, body=ConfirmRequest(address="http://10.0.0.7"), **late)
print(refused.code, refused.status)
`;

let stack: RunningStack;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tenure-generated-'));
  stack = await startStack({ schedules: false });
});
afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a generated Python client has every operation, and runs contend, confirm and observe', () => {
  const generator = execFileSync('sh', ['-c', 'command -v openapi-python-client'], { encoding: 'utf8' }).trim();
  const settings = join(folder, 'settings.yaml');
  writeFileSync(settings, 'post_hooks: []\n');
  const client = join(folder, 'tenure_client');
  const argv = ['generate', '--path', join(project, 'docs/openapi.json'), '--output-path', client, '--meta', 'none'];
  const generated = spawnSync(generator, [...argv, '--config', settings], { encoding: 'utf8' });
  expect(generated.stdout + generated.stderr).not.toMatch(/warning|unable/i);
  const made = readdirSync(join(client, 'api'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\/(?!__init__)\w+\.py$/.test(file))
    .map((file) => file.replace(/^.*\/|\.py$/g, '').replaceAll('_', ''));
  expect(made.toSorted()).toEqual(
    Object.keys(catalogue)
      .map((name) => name.toLowerCase())
      .toSorted(),
  );
  // The packages that the generated code imports are the generator's own, too.
  const python = /^#!(.+)/.exec(readFileSync(generator, 'utf8'))?.[1]?.trim() ?? 'python3';
  writeFileSync(join(folder, 'program.py'), program);
  const ran = spawnSync(python, [join(folder, 'program.py'), stack.api], { encoding: 'utf8' });
  expect(ran.stdout + ran.stderr).toBe('200\ngenerated 1\nleadership_lost 409\n');
});
