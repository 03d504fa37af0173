/**
 * `npm test`: every check there is, in one go and on a fresh clone: installs what is missing, then types, lint,
 * structure, unit, contract, simulation, infra, end-to-end, generators, fuzz, python, postgres, mariadb, flink,
 * browser. A step whose program this machine lacks is left out by name. Ends with one line: N passed, N failed.
 *
 *   npm test                        everything, in the reduced sizes of test/sizes.ts
 *   npm run test:full               everything, in the sizes that the product promises
 *   npm test -- unit contract       only these steps
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installIfNeeded } from '../emulator/install.mjs';

const args = process.argv.slice(2);
if (args.includes('--full')) process.env.TENURE_TEST_FULL = '1';
const wanted = args.filter((arg) => arg !== '--full');
const scratch = mkdtempSync(join(tmpdir(), 'tenure-test-'));
// Programs of others leave files behind, which go with it; some run as users of their own, who may write there too.
chmodSync(scratch, 0o1777);
process.env.TMPDIR = scratch;
const total = { passed: 0, failed: 0 };
const leftOut = [];

function run(command, commandArgs) {
  return spawnSync(join('node_modules', '.bin', command), commandArgs, { stdio: 'inherit' }).status === 0;
}

/** A check that passes or fails as a whole. */
const check =
  (command, ...commandArgs) =>
  () =>
    run(command, commandArgs) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };

/** Leaves a step out, by name and with the command that installs it, where a program is missing. */
const needing = (program, install, step, probe) => () => {
  // Debian keeps the programs of PostgreSQL out of the PATH.
  const look = probe ?? `command -v ${program} || ls /usr/lib/postgresql/*/bin/${program}`;
  const found = spawnSync('sh', ['-c', look]);
  if (found.status === 0) return step();
  leftOut.push(`${program} is missing: ${install}`);
  return { passed: 0, failed: 0 };
};

/**
 * The structure check must also have seen the modules it judges: a parser that fails sees none and is silently green.
 */
function structure() {
  const { stdout, stderr, status } = spawnSync(
    join('node_modules', '.bin', 'depcruise'),
    [
      'api',
      'archive',
      'store',
      'leadership',
      'log',
      'functions',
      'client',
      'cli',
      'infra',
      'emulator',
      '--output-type',
      'json',
    ],
    {
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  if (!stdout.startsWith('{')) {
    console.log(stdout, stderr);
    return { passed: 0, failed: 1 };
  }
  const { modules, summary } = JSON.parse(stdout);
  const seen = modules.filter(
    ({ source, dependencies }) => source.startsWith('functions/') && dependencies.length > 0,
  ).length;
  for (const { rule, from, to } of summary.violations) console.log(`${rule.name}: ${from} → ${to}`);
  console.log(`${modules.length} modules, ${seen} of functions/ with imports, ${summary.error} violations`);
  return status === 0 && summary.error === 0 && seen > 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Runs one vitest project; a run that reports no test, or ends before its report, counts as a failure. */
const project =
  (name, ...options) =>
  () => {
    const report = join(scratch, `${name}.json`);
    rmSync(report, { force: true });
    const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`];
    const succeeded = run('vitest', ['run', '--project', name, ...options, ...reporters]);
    if (!existsSync(report)) return { passed: 0, failed: 1 };
    const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'));
    const broken = !succeeded && numFailedTests === 0 ? 1 : 0;
    return { passed: numPassedTests, failed: numFailedTests + broken + (numTotalTests === 0 ? 1 : 0) };
  };

/** Flink's suite counts for itself, by the reports of Maven. */
function flink() {
  const full = args.includes('--full') ? ['--full'] : [];
  const { stdout } = spawnSync(process.execPath, ['test/flink.mjs', ...full], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.stdout.write(stdout);
  const [, passed, failed] = /flink: (\d+) passed, (\d+) failed$/m.exec(stdout) ?? [];
  return passed === undefined ? { passed: 0, failed: 1 } : { passed: Number(passed), failed: Number(failed) };
}

const survivors = ['stack/gateway-faults', 'leadership/linearizability', 'leadership/leader-commands'];

/**
 * End-to-end tests against a stack that throttles, conflicts, loses answers and isolates functions, drawn from a seed.
 */
function underFaults(seed, files) {
  const paths = files.map((file) => `test/end-to-end/${file}.test.ts`);
  return () => {
    process.env.TENURE_TEST_LIKE_AWS = String(seed);
    const result = project('end-to-end', '--maxWorkers=4', ...paths)();
    delete process.env.TENURE_TEST_LIKE_AWS;
    return result;
  };
}

const steps = {
  types: () => {
    const [program, page] = [run('tsc', ['-p', '.']), run('tsc', ['-p', 'console'])];
    return program && page ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  },
  lint: check('biome', 'check', '--error-on-warnings', '.'),
  dead: check('knip'),
  structure,
  unit: project('unit'),
  contract: project('contract'),
  simulation: project('simulation'),
  package: project('package'),
  infra: project('infra'),
  // They mostly wait, for leases and for processes, so more of them run than there are cores.
  'end-to-end': project('end-to-end', '--maxWorkers=4'),
  // As AWS is on a bad day; npm run test:full has the whole suite pass it.
  'like-aws': underFaults(7, args.includes('--full') ? [] : survivors),
  'cfn-lint': needing('cfn-lint', 'pip install cfn-lint==1.51.0', check('tsx', 'test/templates/judge.ts', 'cfn-lint')),
  checkov: needing('checkov', 'pip install checkov==3.3.30', check('tsx', 'test/templates/judge.ts', 'checkov')),
  versitygw: needing(
    'versitygw',
    'go install github.com/versity/versitygw/cmd/versitygw@v1.8.0',
    check('tsx', 'test/s3/judge.ts'),
  ),
  generators: project('generators', 'test/generators/typescript.test.ts'),
  'generators-python': needing(
    'openapi-python-client',
    'pip install openapi-python-client==0.29.1',
    project('generators', 'test/generators/python.test.ts'),
  ),
  'generators-go': needing(
    'oapi-codegen',
    'go install github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2',
    project('generators', 'test/generators/go.test.ts'),
  ),
  fuzz: needing('schemathesis', 'pip install schemathesis==4.32.5', project('fuzz')),
  python: needing('boto3', 'pip install boto3==1.44.8', project('python'), 'python3 -c "import boto3"'),
  postgres: needing('initdb', 'apt-get install -y postgresql', project('postgres')),
  mariadb: needing(
    'mariadbd',
    'apt-get install -y mariadb-server-core',
    project('mariadb'),
    'command -v mariadbd || ls /usr/sbin/mariadbd',
  ),
  flink: needing(
    'mvn',
    'apt-get install -y maven openjdk-17-jdk-headless',
    flink,
    'command -v mvn && command -v javac',
  ),
  browser: needing('chromium', 'apt-get install -y chromium', project('browser')),
};

const unknown = wanted.filter((name) => !(name in steps));
if (unknown.length > 0) {
  console.error(`There is no step "${unknown.join('", "')}"; the steps are: ${Object.keys(steps).join(', ')}`);
  process.exit(64);
}

await installIfNeeded();
if ((wanted.length === 0 || wanted.includes('end-to-end')) && spawnSync('python3', ['--version']).status !== 0) {
  console.log('missing   python3, so the tests on a pseudo-terminal are not run: "apt-get install -y python3"');
}
for (const [name, step] of Object.entries(steps)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const startedAt = Date.now();
  console.log(`\n== ${name}`);
  const missing = leftOut.length;
  const { passed, failed } = step();
  for (const why of leftOut.slice(missing)) console.log(`left out: ${why}`);
  total.passed += passed;
  total.failed += failed;
  console.log(`== ${name}: ${passed} passed, ${failed} failed (${Math.round((Date.now() - startedAt) / 1000)} s)`);
}
rmSync(scratch, { recursive: true, force: true });
if (leftOut.length > 0) console.log(`\nLeft out on this machine:\n${leftOut.join('\n')}`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
