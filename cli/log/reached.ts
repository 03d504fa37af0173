import type * as z from 'zod/mini';
import { showLog } from '../../api/operations/log.ts';
import type { TenureClient } from '../../client/tenure-client.ts';
import { TenureError } from '../../client/tenure-error.ts';
import { sleep } from '../../client/time.ts';
import { duration } from '../output.ts';
import { progress } from '../progress.ts';
import type { Shell } from '../shell.ts';

type Shown = z.output<typeof showLog.answer>['replicas'][number];

interface Wanted {
  readonly group: string;
  readonly log: string;
  readonly replicas: readonly string[];
  /** The position that they all are to reach. */
  readonly end: number;
  readonly withinMs: number;
}

const lookEveryMs = 250;

/**
 * Waits until the replicas vote and reach a position, and shows how far they are; returns where they stand then.
 * @throws TenureError `log_not_recovered` when that takes too long; the recovery continues.
 */
export async function waitUntilReached(
  client: TenureClient,
  { group, log, replicas, end, withinMs }: Wanted,
  options: { json?: boolean },
  shell: Shell,
): Promise<Shown[]> {
  const shown = progress(
    shell,
    options,
    `Recovering ${log}`,
    () => `the recovery continues without this command: follow it with tenure log status ${log} --group ${group}`,
  );
  const endsAt = client.time.monotonic() + withinMs;
  let where = '';
  for (let looks = 0; looks === 0 || client.time.monotonic() < endsAt; looks += 1) {
    if (looks > 0) await sleep(client.time, lookEveryMs);
    const status = await client.call(showLog, { params: { group, log } });
    const own = status.replicas.filter(({ id }) => replicas.includes(id));
    const left = own.filter((replica) => replica.status !== 'VOTING' || replica.end < end);
    if (left.length === 0) {
      shown.done(`Recovered ${log}`);
      return own;
    }
    where = left.map(({ id, status, lag }) => `replica ${id} is ${status}, ${lag} behind`).join('; ');
    shown.say(where);
  }
  shown.failed(`Recovering ${log} continues without this command`);
  const message = `After ${duration(withinMs)} ${where}. The recovery continues: see tenure log status ${log}.`;
  throw new TenureError(message, {
    code: 'log_not_recovered',
    status: 0,
    retryable: true,
    request: `GET ${showLog.path}`,
  });
}
