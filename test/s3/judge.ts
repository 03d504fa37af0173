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
const passed = tests.filter(({ status }) => status === 'passed').length;
const judged = Object.values(judgements).flat();
const disagree = tests.filter(({ status }) => status !== 'passed').map(({ fullName }) => fullName);
const unjudged = disagree.filter((name) => !judged.some((start) => name.startsWith(start)));
const agreed = judged.filter((start) => !disagree.some((name) => name.startsWith(start)));
console.log(`versitygw: ${passed} of ${tests.length} agree, ${disagree.length} judged`);
for (const name of unjudged) console.log(`disagrees without a judgement: ${name}`);
for (const start of agreed) console.log(`agrees, though it is judged: ${start}`);
process.exitCode = unjudged.length + agreed.length === 0 && passed > 100 ? 0 : 1;
