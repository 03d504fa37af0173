import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { defaultClockSkewMs } from '../api/clock-skew.ts';
import { type ConnectionOptions, clientAt, locate, withConnection } from './connection.ts';
import { limitsOf } from './doctor-limits.ts';
import { ExitError, exitCodes, explain } from './exit.ts';
import type { Finding } from './finding.ts';
import { plain, print } from './output.ts';
import type { Shell } from './shell.ts';

export function doctorCommand(program: Command, shell: Shell): void {
  const command = program
    .command('doctor')
    .description(
      "check what Tenure needs: Node, Java, address, service, clock, credentials; with --stack the account's limits",
    );
  withConnection(command).action(async (options: ConnectionOptions) => {
    const limits = options.stack ? await limitsOf(options.region) : [];
    const findings = [node(), await java(), ...(await service(options, shell)), ...limits];
    print(shell, options, findings, () => findings.map(line).join('\n'));
    const failed = findings.find(({ status }) => status === 'failed');
    if (failed) throw new ExitError(failed.check === 'service' ? exitCodes.unreachable : exitCodes.failed);
  });
}

function line({ check, status, found, remedy }: Finding): string {
  const mark = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' }[status];
  return `${mark}  ${check.padEnd(12)}  ${plain(found)}${remedy ? `\n${' '.repeat(23)}${remedy}` : ''}`;
}

function node(): Finding {
  return { check: 'node', status: 'ok', found: `${process.versions.node} (20.19 or newer is needed)` };
}

/** Java only runs DynamoDB Local, so its absence is no failure where the service is elsewhere. */
async function java(): Promise<Finding> {
  const said = await outputOf('java', ['-version']);
  const version = /version "(\d+)[^"]*"/.exec(said ?? '');
  const remedy =
    'npm start needs Java 17 or newer: install it, for instance with apt-get install default-jre-headless.';
  if (!version) return { check: 'java', status: 'warning', found: 'not found', remedy };
  const enough = Number(version[1]) >= 17;
  return { check: 'java', status: enough ? 'ok' : 'warning', found: version[0], ...(!enough && { remedy }) };
}

async function service(options: ConnectionOptions, shell: Shell): Promise<Finding[]> {
  const location = await locate(options, shell);
  const { url, region } = location;
  const address: Finding = {
    check: 'address',
    status: 'ok',
    found: `${url}${region ? ` (signed requests, ${region})` : ''}`,
  };
  const credentials = region ? [await credentialsOf()] : [];
  const client = await clientAt(location);
  const sentAt = Date.now();
  try {
    const { version, now } = await client.health();
    const receivedAt = Date.now();
    const reached: Finding = {
      check: 'service',
      status: 'ok',
      found: `version ${version}, DynamoDB and S3 reached, ${receivedAt - sentAt} ms`,
    };
    return [address, ...credentials, reached, skewOf(now, sentAt, receivedAt)];
  } catch (error) {
    const failed: Finding = { check: 'service', status: 'failed', found: explain(error).message ?? String(error) };
    return [address, ...credentials, failed];
  }
}

/** How far this clock is from the server's, which read `now` at some moment between the two readings here. */
export function skewOf(now: string, sentAt: number, receivedAt: number): Finding {
  const uncertaintyMs = (receivedAt - sentAt) / 2;
  const serverAheadMs = Date.parse(now) - (sentAt + uncertaintyMs);
  const found = `this clock is ${Math.round(Math.abs(serverAheadMs))} ms ${serverAheadMs > 0 ? 'behind' : 'ahead of'} the server's (± ${Math.ceil(uncertaintyMs)} ms)`;
  if (Math.abs(serverAheadMs) <= defaultClockSkewMs + uncertaintyMs) return { check: 'clock', status: 'ok', found };
  const remedy = `More than ${defaultClockSkewMs} ms: instants look wrong here, and from 5 min on AWS refuses signatures. Run a time service (chrony, systemd-timesyncd).`;
  return { check: 'clock', status: 'warning', found, remedy };
}

async function credentialsOf(): Promise<Finding> {
  const { defaultCredentials } = await import('../client/aws.ts');
  try {
    const { accessKeyId } = await (await defaultCredentials())();
    return { check: 'credentials', status: 'ok', found: `access key ${accessKeyId.slice(0, 4)}…` };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return {
      check: 'credentials',
      status: 'failed',
      found,
      remedy: 'Set AWS_PROFILE, or run aws configure or aws sso login.',
    };
  }
}

/** A command's output, or undefined when it cannot be run. */
function outputOf(command: string, argv: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const listen = (chunk: Buffer) => {
      said += chunk;
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', () => resolve(undefined));
    child.once('close', () => resolve(said));
  });
}
