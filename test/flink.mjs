/**
 * The suite of integrations/flink against the embedded stack: Flink's own contract tests and ours; with `full` also a
 * cluster of JVMs that loses its leader in every way. Maven fetches about 70 MB once.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const folder = join('integrations', 'flink');
const reports = join(folder, 'target', 'surefire-reports');

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Resolves once the stack is ready; it ends with the returned function. */
function startStack(port) {
  const args = ['emulator/start.mjs', '--port', String(port), '--ephemeral', '--no-schedules'];
  const stack = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let said = '';
    stack.stdout.on('data', (chunk) => {
      said += chunk;
      if (said.includes('ready on')) resolve(() => endOf(stack));
    });
    stack.once('exit', (code) => reject(new Error(`The stack ended with ${code}:\n${said}`)));
  });
}

function endOf(stack) {
  const ended = new Promise((resolve) => stack.once('exit', resolve));
  stack.kill('SIGTERM');
  return ended;
}

/** What Surefire has written down, whatever Maven says besides. */
function counted() {
  const total = { passed: 0, failed: 0 };
  for (const file of readdirSync(reports).filter((name) => /^TEST-.*\.xml$/.test(name))) {
    const suite = /<testsuite [^>]*>/s.exec(readFileSync(join(reports, file), 'utf8'))?.[0] ?? '';
    const number = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = number('errors') + number('failures');
    total.failed += failed;
    total.passed += number('tests') - failed - number('skipped');
  }
  return total;
}

const full = process.argv.includes('--full');
rmSync(reports, { recursive: true, force: true });
const port = await freePort();
const stop = await startStack(port);
try {
  const excluded = full ? '-Dtenure.excluded=none' : '-Dtenure.excluded=long';
  const args = ['-B', '-q', 'test', `-Dtenure.url=http://127.0.0.1:${port}`, excluded];
  const { status } = spawnSync('mvn', args, { cwd: folder, stdio: 'inherit' });
  const { passed, failed } = counted();
  const broken = status !== 0 && failed === 0 ? 1 : 0;
  console.log(`flink: ${passed} passed, ${failed + broken} failed`);
  process.exitCode = failed + broken + (passed === 0 ? 1 : 0) === 0 ? 0 : 1;
} finally {
  await stop();
}
