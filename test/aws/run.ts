/**
 * `npm run test:aws`: the product on AWS, in the account and Region of the environment. Looks whether it can, deploys
 * an ephemeral stage, runs the black-box suites and what only AWS shows, destroys it, and asserts that nothing is left.
 * About 30 minutes, below $3.
 *
 *   npm run test:aws                  on AWS
 *   npm run test:aws -- --rehearse    on MiniStack, as far as that goes
 *   npm run test:aws -- facts alone   only these of the parts suites, facts and alone
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { preflight } from './preflight.ts';
import { startSigningProxy } from './signing-proxy.ts';
import { anywhere, rehearsed } from './suites.ts';
import { awsTarget, rehearsalTarget, stage, type Target } from './target.ts';

const args = process.argv.slice(2);
const rehearsing = args.includes('--rehearse');
const chosen = args.filter((arg) => arg !== '--rehearse');
const parts = ['suites', 'facts', 'alone'];
const unknown = chosen.filter((name) => !parts.includes(name));
if (unknown.length > 0) {
  console.error(`There is no part "${unknown.join('", "')}"; the parts are: ${parts.join(', ')}`);
  process.exit(64);
}
const wants = (name: string) => chosen.length === 0 || chosen.includes(name);

type Outcome = 'shown' | 'failed';
const outcomes: [part: string, outcome: Outcome][] = [];

async function part(name: string, work: () => Promise<void>): Promise<boolean> {
  console.log(`\n${name}`);
  try {
    await work();
    outcomes.push([name, 'shown']);
    return true;
  } catch (error) {
    console.error(error);
    outcomes.push([name, 'failed']);
    return false;
  }
}

async function look(target: Target): Promise<void> {
  const findings = await preflight(target.region, `tenure-${stage}`);
  for (const { check, status, found, remedy } of findings)
    console.log(`${status.padEnd(8)} ${check.padEnd(13)} ${found}${remedy ? `\n${' '.repeat(23)}${remedy}` : ''}`);
  // A fresh emulator has no bootstrap stack and no limits.
  const failed = findings.filter(({ status, check }) => status === 'failed' && !(rehearsing && check === 'bootstrap'));
  if (failed.length > 0) throw new Error(`Not ready: ${failed.map(({ check }) => check).join(', ')}`);
}

type Outputs = Readonly<Record<string, string>>;

/** Whatever hangs, the stage is destroyed: it is paid for. */
const mostMs = 2_400_000;

async function run(target: Target, outputs: Outputs, files: readonly string[], ...options: string[]): Promise<void> {
  const { region, credentials } = target;
  const proxy = await startSigningProxy(target.api(outputs), { region, credentials });
  const deployed = { name: target.name, region, outputs, api: target.api(outputs) };
  try {
    // Not synchronously: the proxy of this process has to sign meanwhile.
    const vitest = spawn('node_modules/.bin/vitest', ['run', '--project', 'aws', ...options, ...files], {
      stdio: 'inherit',
      timeout: mostMs,
      env: {
        ...process.env,
        TENURE_TEST_STAGE: JSON.stringify({ ...deployed, proxy: proxy.url }),
      },
    });
    const [status, signal] = await once(vitest, 'exit');
    if (status !== 0) throw new Error(`vitest ended with ${status ?? signal}`);
  } finally {
    proxy.stop();
  }
}

const blackBox = (rehearsing ? rehearsed : anywhere).map((name) => `test/end-to-end/${name}.test.ts`);
/** MiniStack starts a process for each invocation that runs at once. */
const carefully = rehearsing ? ['--no-file-parallelism'] : [];

/** Deletion takes its time: tables and log groups are listed for a while. */
async function nothingLeft(target: Target): Promise<void> {
  let left: string[] = [];
  for (let round = 0; round < 30; round += 1) {
    left = await target.leftovers();
    if (left.length === 0) return;
    await pause(rehearsing ? 1_000 : 10_000);
  }
  throw new Error(`Still there, and paid for: ${left.join(', ')}`);
}

const target = await (rehearsing ? rehearsalTarget() : awsTarget());
try {
  if (await part('preflight', () => look(target))) {
    let outputs: Readonly<Record<string, string>> | undefined;
    await part('deploy', async () => {
      outputs = await target.deploy();
    });
    const made = outputs;
    if (made && wants('suites')) await part('end-to-end suites', () => run(target, made, blackBox, ...carefully));
    if (made && wants('facts'))
      await part('what only AWS shows', () => run(target, made, ['test/aws/facts'], ...carefully));
    // Each of them disturbs whatever else runs.
    if (made && wants('alone'))
      await part('what disturbs others, one after the other', () =>
        run(target, made, ['test/aws/alone'], '--no-file-parallelism'),
      );
    await part('destroy', () => target.destroy());
    await part('nothing is left', () => nothingLeft(target));
  }
} finally {
  target.stop();
}
console.log(`\non ${target.name}:`);
for (const [name, outcome] of outcomes) console.log(`${outcome.padEnd(7)} ${name}`);
process.exitCode = outcomes.some(([, outcome]) => outcome === 'failed') ? 1 : 0;
