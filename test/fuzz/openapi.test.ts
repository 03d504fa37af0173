/**
 * Requests made from docs/openapi.json by Schemathesis, which nobody here wrote: each operation in its limits and past
 * them. No answer may be a 5xx other than a declared 503, have an undeclared status or content type, or differ from its
 * schema.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogue } from '../../api/catalogue.ts';
import { prepare } from '../end-to-end/hostile/prepared.ts';
import { sizes } from '../sizes.ts';
import { project, type RunningStack, startStack } from '../support/stack.ts';

const settings = `continue-on-failure = true
color = false
warnings = false
request-timeout = 40.0

[checks]
enabled = false
not_a_server_error = { enabled = true, expected-statuses = ["2xx", "3xx", "4xx", 503] }
status_code_conformance.enabled = true
content_type_conformance.enabled = true
response_schema_conformance.enabled = true
`;

let stack: RunningStack;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
  stack = await startStack({ schedules: false });
});
afterAll(async () => {
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs Schemathesis; returns all that it wrote, unless it found nothing. */
async function fuzz(
  name: string,
  phases: string,
  parameters: Record<string, string> = {},
): Promise<{ tested: number; complaint: string }> {
  const fixed = Object.entries(parameters).map(([key, value]) => `${JSON.stringify(key)} = ${JSON.stringify(value)}\n`);
  const config = join(folder, `${name}.toml`);
  await writeFile(config, `${settings}\n[parameters]\n${fixed.join('')}`);
  const argv = ['--config-file', config, 'run', join(project, 'docs/openapi.json'), '--url', stack.api];
  const amount = ['--phases', phases, '--max-examples', String(sizes.security.openApiExamples), '--seed', '7'];
  const child = spawn('schemathesis', [...argv, ...amount], { cwd: folder });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const tested = Number(/^ +Tested: +(\d+)$/m.exec(output)?.[1] ?? 0);
  return { tested, complaint: code === 0 ? '' : `${output}\nended with ${code}` };
}

const operations = Object.keys(catalogue).length;

test('every operation in groups that hold nothing', async () => {
  expect(await fuzz('any', 'coverage,fuzzing')).toEqual({ tested: operations, complaint: '' });
});

test('every operation in a group with a leader, a job, a log and a worker', async () => {
  const known = await prepare(stack.api, 'prepared', { log: true });
  const headers = ['Fencing-Version', 'Leader-Session', 'Log-Writer'];
  const named = Object.entries(known).map(([name, value]) => [
    `${headers.includes(name) ? 'header' : 'path'}.${name}`,
    value,
  ]);
  expect(await fuzz('prepared', 'examples,fuzzing', Object.fromEntries(named))).toEqual({
    tested: operations,
    complaint: '',
  });
});
