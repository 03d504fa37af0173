import { inject, type TestContext } from 'vitest';
import { BackupWorker, TenureClient } from '../../../client/index.ts';
import { present } from '../backups/backups.ts';

/** A worker with nothing but its own routes; `change` rewrites what it sends. */
export async function hostileWorker(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  group: string,
  change: (url: URL, init: RequestInit) => Promise<RequestInit | Response>,
): Promise<void> {
  const { api } = inject('stack');
  const fetching: typeof fetch = async (input, init = {}) => {
    const changed = await change(new URL(String(input)), init);
    return changed instanceof Response ? changed : fetch(input, changed);
  };
  const worker = new BackupWorker({
    client: new TenureClient({ url: api, fetch: fetching }),
    group,
    workerId: 'hostile',
    hooks: { onError: () => {} },
  });
  worker.start();
  onTestFinished(() => worker.close());
  await present(group, 'hostile');
}
