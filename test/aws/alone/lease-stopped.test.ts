import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { functionNamed, setConcurrency } from '../functions.ts';
import { client, led, newGroup, stage } from '../stage.ts';

test('while lease may not run, a renewal is retried and the term is kept; afterwards it works', async () => {
  const group = newGroup();
  const fence = await led(group);
  const { name } = await functionNamed(stage.region, 'lease');
  await setConcurrency(stage.region, name, 0);
  try {
    const single = await fetch(`${stage.proxy}/v1/groups/${group}/leadership/renew`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'fencing-version': String(fence.fencingVersion),
        'leader-session': fence.sessionId,
      },
      body: JSON.stringify({ leaseMs: 600_000 }),
    });
    // The gateway's, since no function has run.
    expect([429, 500, 502, 503]).toContain(single.status);
    const renewal = client().renew(group, fence, { leaseMs: 600_000 });
    renewal.catch(() => {});
    await pause(5_000);
    await setConcurrency(stage.region, name, undefined);
    await expect(renewal).resolves.toBeDefined();
  } finally {
    await setConcurrency(stage.region, name, undefined);
  }
  expect(await client().observe(group, { consistent: true })).toMatchObject({ fencingVersion: fence.fencingVersion });
});
