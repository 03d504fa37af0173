/** A worker of the client library that a test can hold, or end, at each moment of its attempt. */
import { BackupWorker, TenureClient, type WorkerEvent } from '../../../client/index.ts';

/** In the order in which a worker comes through them. */
export const moments = ['suspending', 'suspended', 'offered', 'accepted', 'half', 'finishing'] as const;
export type Moment = (typeof moments)[number];

export interface StandbyOptions {
  readonly url: string;
  readonly group: string;
  readonly workerId: string;
  /** The worker continues when this resolves, and meets there what it throws. */
  readonly at?: (moment: Moment) => unknown;
  readonly say?: (event: WorkerEvent) => void;
  /** How much the application adds to the archive, as lines of 1 MiB; a file of the archive has eight. */
  readonly lines?: number;
  readonly localDir?: string;
}

/** Is not started yet. */
export function standby(options: StandbyOptions): BackupWorker {
  const { url, group, workerId, at = () => undefined, say = () => undefined, lines = 2, localDir } = options;
  return new BackupWorker({
    client: new TenureClient({ url, fetch: stopping(at) }),
    group,
    workerId,
    ...(localDir !== undefined && { localDir }),
    hooks: {
      suspend: async () => {
        await at('suspending');
        return {};
      },
      async *snapshot({ signal }) {
        const ended = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        ended.catch(() => undefined);
        for (let line = 0; line < lines; line += 1) {
          if (line === lines / 2) await Promise.race([at('half'), ended]);
          yield `${line}`.padEnd(1024 ** 2, '.');
        }
      },
      onEvent: say,
      onError: (error) => console.error(`${workerId}: ${error instanceof Error ? error.message : error}`),
    },
  });
}

/** The moments between two requests: what was answered the worker does not know yet, what it sends is not sent yet. */
function stopping(at: (moment: Moment) => unknown): typeof globalThis.fetch {
  return async (input, init) => {
    const { pathname } = new URL(String(input));
    if (pathname.endsWith('/finish')) await at('finishing');
    const response = await fetch(input, init);
    const text = await response.text();
    const accepted = response.ok && String(init?.body).includes('"accepted":true');
    if (accepted && pathname.endsWith('.suspend/answer')) await at('suspended');
    if (accepted && pathname.endsWith('.backup/answer')) await at('accepted');
    if (pathname.endsWith('/commands') && text.includes('"type":"backup"')) await at('offered');
    return new Response(text, response);
  };
}
