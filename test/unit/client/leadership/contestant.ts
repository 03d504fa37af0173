import { LeaderElector, type LeaderElectorOptions } from '../../../../client/leadership/elector.ts';
import type { Loss } from '../../../../client/leadership/loss.ts';
import type { Term } from '../../../../client/leadership/term.ts';
import { TenureClient } from '../../../../client/tenure-client.ts';
import type { Time } from '../../../../client/time.ts';
import { ManualTime } from '../../../support/manual-time.ts';
import { FakeLink, FakeService } from '../fake-service.ts';

export interface Contestant {
  readonly elector: LeaderElector;
  readonly link: FakeLink;
  /** The elector's events, in order: `granted 1`, `revoked 1 expired`, … */
  readonly events: string[];
  readonly errors: unknown[];
}

/** An elector on the fake service, with a lease of 9 s, renewed every 3 s, answers awaited for 2 s. */
export function contestant(
  contenderId: string,
  options: Partial<LeaderElectorOptions> = {},
  time = new ManualTime(),
  service = new FakeService(time),
): Contestant & { time: ManualTime } {
  return { ...contestantOn(contenderId, new FakeLink(service), time, options), time };
}

/** The same on clocks and a connection of its own. */
export function contestantOn(
  contenderId: string,
  link: FakeLink,
  time: Time,
  options: Partial<LeaderElectorOptions> = {},
  random = () => 0.5,
): Contestant {
  const events: string[] = [];
  const errors: unknown[] = [];
  const client = new TenureClient({ url: 'http://fake', fetch: link.fetch, time, random });
  const noted = (what: string, term: Term, more = '') => void events.push(`${what} ${term.fencingVersion}${more}`);
  const { onGranted, onConfirmed, onRevoked, onError, ...rest } = options;
  const elector = new LeaderElector({
    client,
    group: 'orders',
    contenderId,
    address: `${contenderId}:80`,
    leaseMs: 9_000,
    requestTimeoutMs: 2_000,
    onGranted: (term) => {
      noted('granted', term);
      return onGranted?.(term);
    },
    onConfirmed: (term) => {
      noted('confirmed', term);
      return onConfirmed?.(term);
    },
    onRevoked: (loss: Loss, term) => {
      noted('revoked', term, ` ${loss.reason}`);
      return onRevoked?.(loss, term);
    },
    onWaiting: () => void events.push('waiting'),
    onSuspended: (term) => noted('suspended', term),
    onReconnected: (term) => noted('reconnected', term),
    onError: (error) => {
      errors.push(error);
      onError?.(error);
    },
    ...rest,
  });
  return { elector, link, events, errors };
}
