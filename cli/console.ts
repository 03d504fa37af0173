import type { Command } from 'commander';
import { defaultCredentials } from '../client/aws.ts';
import { allowHostOption } from './allow-host.ts';
import { type ConnectionOptions, given, locate, withConnection } from './connection.ts';
import { eventsHere } from './events/events-here.ts';
import { UsageError } from './exit.ts';
import type { Shell } from './shell.ts';

interface ConsoleCommandOptions extends ConnectionOptions {
  port?: number;
  open: boolean;
  allowHost: string[];
  data: string;
}

export function consoleCommand(program: Command, shell: Shell): void {
  const command = program
    .command('console')
    .description('a page that shows every group live, and explains each change of leadership')
    .option('--port <n>', 'port on loopback (default: 8788, or any free one)', portNumber)
    .option('--no-open', 'only print the address, open no browser')
    .option('--data <folder>', 'that of npm start, whose events are shown where no --stack is given', '.tenure')
    .addOption(allowHostOption('loopback'));
  withConnection(command).action((options: ConsoleCommandOptions) => run(options, shell));
}

/** Serves until Ctrl-C. */
async function run(options: ConsoleCommandOptions, shell: Shell): Promise<void> {
  const [{ startConsole }, { pageFolders, readPage }, { systemTime }] = await Promise.all([
    import('./console/server.ts'),
    import('./console/page.ts'),
    import('../client/time.ts'),
  ]);
  const { url, region } = await locate(options, shell);
  const { stack } = given(options, shell.env);
  const signing = region === undefined ? undefined : { region, credentials: await defaultCredentials() };
  const running = await startConsole({
    upstream: { url: url.replace(/\/+$/, ''), transport: { fetch: globalThis.fetch, time: systemTime, signing } },
    page: await readPage(pageFolders),
    port: options.port,
    hosts: options.allowHost,
    events: await eventsHere(options, shell),
    label: stack ?? url,
  });
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  const { address } = running;
  shell.out(
    options.json ? JSON.stringify({ address, api: url }) : `console on ${address} (API ${url}); Ctrl-C ends it`,
  );
  if (options.open) await openBrowser(address, shell);
  await ended;
  await running.stop();
}

async function openBrowser(address: string, shell: Shell): Promise<void> {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [address], {
    stdio: 'ignore',
    detached: true,
  });
  child.once('error', () => shell.err('tenure: no browser could be started; open the address above'));
  child.unref();
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new UsageError(`--port is "${text}": give a number up to 65535.`);
  return port;
}
