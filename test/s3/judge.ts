/**
 * `npm test -- versitygw`: the S3 suite against an S3 that nobody here wrote. Fails for a test that disagrees without a
 * judgement, and for a judgement without a test that disagrees.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgements } from './judgements.ts';

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const folder = mkdtempSync(join(tmpdir(), 'tenure-versity-'));
const outputFile = join(folder, 'report.json');
const args = ['run', '--project', 'infra', 'test/infra/emulator/s3', '--testTimeout', '20000'];
spawnSync('npx', ['vitest', ...args, '--reporter', 'json', '--outputFile', outputFile], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: { ...process.env, TENURE_TEST_VERSITYGW: process.env['TENURE_TEST_VERSITYGW'] ?? 'versitygw' },
});
const { testResults } = JSON.parse(readFileSync(outputFile, 'utf8')) as Report;
rmSync(folder, { recursive: true, force: true });

const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
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
for (const name of unjudged) console.log(`disagrees without a judgement: ${name}`);
for (const { name } of agreed) console.log(`agrees, though it is judged: ${name}`);
process.exitCode = unjudged.length + agreed.length === 0 && passed.length > 100 ? 0 : 1;
