import { onTestFinished } from 'vitest';
import { Guard } from '../../../../cli/lead/guard.ts';
import { Report } from '../../../../cli/lead/report.ts';
import { lead, type Persistence } from '../../../../cli/lead/run.ts';
import { Signals } from '../../../../cli/lead/signals.ts';
import type { LeadSettings } from '../../../../cli/lead/term-run.ts';
import { TenureClient } from '../../../../client/tenure-client.ts';
import { ManualTime } from '../../../support/manual-time.ts';
import { recordedShell } from '../../../support/shell.ts';
import { FakeLink, FakeService } from '../../client/fake-service.ts';

interface Said {
  readonly event: string;
  readonly fencingVersion?: number;
  readonly text: string;
}

/**
 * `tenure lead` in this process, on the fake service: lease of 9 s, renewed every 3 s. Its command runs in real time.
 */
export function leading(settings: Partial<LeadSettings>, persistence: Partial<Persistence> = {}) {
  const time = new ManualTime();
  const link = new FakeLink(new FakeService(time));
  const client = new TenureClient({ url: 'http://fake', fetch: link.fetch, time, random: () => 0.5 });
  const said: Said[] = [];
  const onErr = (line: string) => void said.push(JSON.parse(line));
  const { shell } = recordedShell({}, { onErr });
  const guard = new Guard(() => {});
  const signals = new Signals();
  onTestFinished(() => {
    signals.end();
    guard.end();
  });
  const start = () =>
    lead(
      {
        client,
        group: 'orders',
        contenderId: 'a',
        address: 'a:80',
        leaseMs: 9_000,
        maxClockSkewMs: 250,
        graceMs: 1_000,
        command: ['true'],
        env: {},
        guard,
        report: new Report(shell, true, 'orders'),
        signals,
        ...settings,
      },
      { stay: false, restart: false, ...persistence },
    );
  const events = () =>
    said.map(({ event, fencingVersion }) => (fencingVersion === undefined ? event : `${event} ${fencingVersion}`));
  return { time, link, said, events, start };
}
