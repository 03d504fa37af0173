/**
 * `npm test -- versitygw`: the S3 suite and that of the fence against an S3 that nobody here wrote. Fails for a test
 * that disagrees without a judgement, for a judgement without a test that disagrees, and for any test of the fence.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgements } from './judgements.ts';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const folder = mkdtempSync(join(tmpdir(), 'tenure-versity-'));
const outputFile = join(folder, 'report.json');
const suite = 'test/infra/emulator/s3';
const fence = 'test/contract/fence/s3.test.ts';
const args = ['run', '--project', 'infra', '--project', 'contract', suite, fence, '--testTimeout', '20000'];
spawnSync('npx', ['vitest', ...args, '--reporter', 'json', '--outputFile', outputFile], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, TENURE_TEST_VERSITYGW: process.env['TENURE_TEST_VERSITYGW'] ?? 'versitygw' },
});
const { testResults } = JSON.parse(readFileSync(outputFile, 'utf8')) as Report;
rmSync(folder, { recursive: true, force: true });

const testsOf = (path: string) =>
  testResults.filter(({ name }) => name.includes(path)).flatMap(({ assertionResults }) => assertionResults);
const tests = testsOf(suite);
const fenced = testsOf(fence);
const unfenced = fenced.filter(({ status }) => status !== 'passed').map(({ fullName }) => fullName);
const named = (status: string) => tests.filter((one) => one.status === status).map(({ fullName }) => fullName);
const [passed, disagree, skipped] = [named('passed'), named('failed'), named('skipped')];
const listed = judgements.flatMap(({ tests: names, sometimes }) => names.map((name) => ({ name, sometimes })));
const unjudged = disagree.filter((name) => !listed.some((one) => name === one.name));
const agreed = listed.filter(({ name, sometimes }) => !sometimes && !disagree.includes(name));
console.log(`versitygw: ${passed.length} agree, ${disagree.length} judged, ${skipped.length} need our server`);
for (const right of ['ours', 'no page says', 'not in ours'] as const) {
  const count = judgements.filter((one) => one.right === right).flatMap((one) => one.tests).length;
  console.log(`  ${right}: ${count}`);
}
console.log(`fence: ${fenced.length - unfenced.length} of ${fenced.length} hold`);
for (const name of unfenced) console.log(`the fence does not hold: ${name}`);
for (const name of unjudged) console.log(`disagrees without a judgement: ${name}`);
for (const { name } of agreed) console.log(`agrees, though it is judged: ${name}`);
const wrong = unjudged.length + agreed.length + unfenced.length;
process.exitCode = wrong === 0 && passed.length > 100 && fenced.length > 0 ? 0 : 1;
