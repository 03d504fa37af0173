/**
 * The suite of integrations/flink against the embedded stack, for each version of Flink: Flink's own contract tests and
 * ours, and a cluster of JVMs whose leader is killed. Maven fetches about 70 MB once for each.
 *
 *   --full    the cluster also loses its leader in every way, ten times each, and one on ZooKeeper beside it
 *   --bench   only these losses and the time of a checkpoint, on Flink 1.20, for npm run bench -- flink
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const folder = join('integrations', 'flink');
/**
 * The profile of Maven that builds for it; its classes and reports are in a folder of that name below target/. The
 * comparison with ZooKeeper is for one version.
 */
const versions = [
  { flink: '1.20', profile: 'flink-1', left: { short: 'long', full: 'none' } },
  { flink: '2.3', profile: 'flink-2', left: { short: 'long', full: 'zookeeper' } },
];
const losses = 10;
/** Only Flink 2 can break these: its contract tests, its own stores, a cluster. The rest of the code is the same. */
const ofFlink2 = 'TenureCheckpoint*,TenureCompleted*,Tenure*Result*,TenureHaJobRun*,ApplicationsTest,FailoverTest';
const reportsOf = ({ profile }) => join(folder, 'target', profile, 'surefire-reports');

/** Resolves with the address of the stack once it is ready, and what ends it. */
function startStack() {
  const args = ['emulator/start.mjs', '--port', '0', '--ephemeral', '--no-schedules'];
  const stack = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let printed = '';
    stack.stdout.on('data', (chunk) => {
      if (printed.length > 64 * 1024) return;
      printed += chunk;
      const [, url] = /ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(printed) ?? [];
      if (url) resolve({ url, stop: () => endOf(stack) });
    });
    stack.once('exit', (code) => reject(new Error(`The stack ended with ${code}:\n${printed}`)));
  });
}

function endOf(stack) {
  const ended = new Promise((resolve) => stack.once('exit', resolve));
  stack.kill('SIGTERM');
  return ended;
}

/** The counts in the reports of Surefire, whatever Maven prints. */
function counted(reports) {
  const total = { passed: 0, failed: 0 };
  if (!existsSync(reports)) return total;
  for (const file of readdirSync(reports).filter((name) => /^TEST-.*\.xml$/.test(name))) {
    const suite = /<testsuite [^>]*>/s.exec(readFileSync(join(reports, file), 'utf8'))?.[0] ?? '';
    const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = number('errors') + number('failures');
    total.failed += failed;
    total.passed += number('tests') - failed - number('skipped');
  }
  return total;
}

/** A run of one version that takes longer hangs; they took 102 s and 45 min on two cores that nobody else used. */
const longestMs = { short: 6 * 60_000, full: 120 * 60_000 };

/** Runs Maven in a process group of its own, which ends whole: the clusters of a test that hangs are in it. */
function runMaven(args, timeoutMs) {
  return new Promise((resolve) => {
    const maven = spawn('mvn', args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    const timer = setTimeout(() => {
      console.log(`mvn has not ended within ${timeoutMs / 60_000} min`);
      process.kill(-maven.pid, 'SIGKILL');
    }, timeoutMs);
    maven.once('error', (error) => {
      console.log(`mvn: ${error.message}`);
      resolve(undefined);
    });
    maven.once('exit', (status) => {
      clearTimeout(timer);
      resolve(status);
    });
  });
}

async function runVersion(version, url, size, ...options) {
  const reports = reportsOf(version);
  rmSync(reports, { recursive: true, force: true });
  const args = ['-B', '-q', 'test', `-P${version.profile}`, `-Dtenure.url=${url}`, ...options];
  const sized = [`-Dtenure.excluded=${version.left[size]}`, `-Dtenure.losses=${size === 'full' ? losses : 1}`];
  const status = await runMaven([...args, ...sized], longestMs[size]);
  const { passed, failed } = counted(reports);
  const broken = status !== 0 && failed === 0 ? 1 : 0;
  console.log(`Flink ${version.flink}: ${passed} passed, ${failed + broken} failed`);
  return { passed, failed: failed + broken + (passed === 0 ? 1 : 0) };
}

const isBench = process.argv.includes('--bench');
const size = isBench || process.argv.includes('--full') ? 'full' : 'short';
const { url, stop } = await startStack();
try {
  const total = { passed: 0, failed: 0 };
  for (const version of isBench ? versions.slice(0, 1) : versions) {
    const options = isBench ? ['-Dtest=FailoverTest#afterEveryLoss*,CheckpointTimeTest'] : [];
    if (size === 'short' && version.profile === 'flink-2') options.push(`-Dtest=${ofFlink2}`);
    const { passed, failed } = await runVersion(version, url, size, ...options);
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`flink: ${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
} finally {
  await stop();
}
