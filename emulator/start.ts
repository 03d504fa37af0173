import { type Options, readOptions, UsageError, usageOf } from './options.ts';
import { Parts } from './parts.ts';
import { bringUp } from './stack.ts';

/** Where the command looks by itself. */
const localUrl = 'http://127.0.0.1:8787';
const longestStopMs = 10_000;
/** npm passes on the interrupt that the terminal sends to both: the second of such a pair does not mean "force". */
const sameSignalMs = 500;

/**
 * Runs the stack until a signal, or until `parentGone` says that its parent process is gone. Everything that was
 * started stops; a second signal forces the end.
 */
export async function start(
  folders: { project: string; cache: string; data: string; assembly?: string },
  argv: string[],
  startedAt: number,
  parentGone: () => boolean,
): Promise<void> {
  const { project, cache, data, assembly } = folders;
  const options = optionsOrExit(argv, data, assembly === undefined ? 'clone' : 'package');
  // Files of the stack, such as tables and payloads, are for its owner only.
  process.umask(0o077);
  const parts = new Parts();
  let stoppingSince: number | undefined;

  async function stop(code: number): Promise<void> {
    stoppingSince ??= Date.now();
    setTimeout(() => process.exit(code || 1), longestStopMs).unref();
    await parts.stop((line) => console.error(line));
    process.exit(code);
  }

  const asked = (what: string, code: number) => {
    if (stoppingSince !== undefined) {
      if (Date.now() - stoppingSince > sameSignalMs) process.exit(code);
      return;
    }
    console.log(`stopping (${what})`);
    void stop(0);
  };
  process.on('SIGINT', () => asked('SIGINT', 130));
  process.on('SIGTERM', () => asked('SIGTERM', 143));
  process.on('SIGHUP', () => asked('SIGHUP', 129));
  process.on('uncaughtException', (cause) => {
    // A part that was cut off by the end of another is not at fault.
    if (stoppingSince !== undefined) return;
    console.error(cause);
    void stop(1);
  });
  // A reader of our output that went away is no reason to leave things behind.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  setInterval(() => {
    if (stoppingSince === undefined && parentGone()) asked('the process that started it ended', 1);
  }, 500).unref();

  try {
    const api = await bringUp({ project, cache, assembly, options, parts, report: (line) => console.log(line) });
    if (stoppingSince !== undefined) return;
    console.log(`ready on ${api} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
    console.log(`next, in another terminal: ${nextCommand(api)}`);
  } catch (cause) {
    if (stoppingSince !== undefined) return;
    console.error(cause instanceof Error ? cause.message : String(cause));
    await stop(1);
  }
}

/** The next command to try; the address is left out where the command finds it by itself. */
function nextCommand(api: string): string {
  const address = api === localUrl ? '' : `TENURE_URL=${api} `;
  return `${address}npx tenure lead --group orders -- sleep 600`;
}

function optionsOrExit(argv: string[], data: string, from: 'clone' | 'package'): Options {
  const usage = usageOf(from);
  try {
    return readOptions(argv, process.env, data, from);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    if (cause.message === '') console.log(usage);
    else console.error(`${cause.message}\n\n${usage}`);
    process.exit(cause.message === '' ? 0 : 64);
  }
}
