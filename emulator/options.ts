import { parseArgs } from 'node:util';

export interface Options {
  /** 0 lets the system choose. */
  port: number;
  /** Folder of the stack's state; undefined for an ephemeral one. */
  data: string | undefined;
  schedules: boolean;
  app: string;
  /** Names that a Host header may have besides those of loopback. */
  hosts: string[];
  /** Whether functions are held to their roles. */
  enforceRoles: boolean;
  /** The seed of faults as AWS has them; undefined for none. */
  likeAws: number | undefined;
}

export class UsageError extends Error {}

/** The text of `--help`. The package `tenure-local` runs its own template and no other app. */
export function usageOf(from: 'clone' | 'package'): string {
  const command = from === 'clone' ? 'npm start [-- options]' : 'npx tenure-local [options]';
  const app = from === 'clone' ? '\n  --app FILE       CDK app to run (default: infra/app.ts)' : '';
  return `Runs the whole system on this machine.

  ${command}

  --port N         where the API listens, 0 for any free port (default: PORT or 8787)
  --data DIR       folder that keeps the state (default: .tenure)
  --ephemeral      keep the state in a temporary folder that is removed at the end
  --no-schedules   fire no schedules; PUT /_local/schedules/NAME still does
  --like-aws SEED  behave as AWS does on a bad day: functions in several frozen copies, a limit on how many run,
                   throttled stores, transaction conflicts and lost answers, drawn from the seed; --enforce-roles
  --enforce-roles  deny a function what its role does not allow; PUT /_local/storm then lets AWS throttle for a while
  --allow-host H   also accept requests to the host name H; repeatable (default: loopback addresses only)${app}
  --help           this text

AWS_ENDPOINT_URL, or AWS_ENDPOINT_URL_DYNAMODB, _S3 and _SFN one by one, name services that already run and take the place of the
embedded ones. TENURE_* and POWERTOOLS_* variables reach the functions.`;
}

/**
 * @throws UsageError for an unknown option or a value out of range; `help` is answered by an error without a message.
 */
export function readOptions(
  argv: string[],
  environment: NodeJS.ProcessEnv,
  data: string,
  from: 'clone' | 'package' = 'clone',
): Options {
  const { values } = parsed(argv);
  if (values.help) throw new UsageError('');
  if (values.app !== undefined && from === 'package')
    throw new UsageError('--app: tenure-local runs its own template; run other CDK apps from a clone of Tenure');
  if (values.ephemeral && values.data !== undefined) throw new UsageError('--ephemeral and --data exclude each other');
  const given = values.port ?? environment['PORT'] ?? '8787';
  const port = Number(given);
  if (!/^\d+$/.test(given) || port > 65_535)
    throw new UsageError(`The port is "${given}": give a number from 0 to 65535`);
  if (values.data === '') throw new UsageError('--data is empty: give a folder');
  return {
    port,
    data: values.ephemeral ? undefined : (values.data ?? data),
    schedules: !values['no-schedules'],
    app: values.app ?? 'infra/app.ts',
    enforceRoles: values['enforce-roles'] === true || values['like-aws'] !== undefined,
    likeAws: seedOf(values['like-aws']),
    hosts: values['allow-host'].map((name) => name.toLowerCase()),
  };
}

function seedOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d{1,9}$/.test(given))
    throw new UsageError(`The seed of --like-aws is "${given}": give a number of up to 9 digits`);
  return Number(given);
}

function parsed(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        ephemeral: { type: 'boolean' },
        'no-schedules': { type: 'boolean' },
        app: { type: 'string' },
        'enforce-roles': { type: 'boolean' },
        'like-aws': { type: 'string' },
        'allow-host': { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean' },
      },
    });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause));
  }
}
