/** Who leads, for how much longer, and who could follow. */
import { type Waiting, waitingNow } from '../../client/explain/waiting.ts';
import type { Journal, Leadership, Term } from '../answers.ts';
import { brief, clock, ticking } from '../format.ts';
import { LeaseBar, leaseSpan } from '../parts/lease-bar.tsx';
import type { Action } from './actions/actions.ts';
import { contendersOf } from './lanes.ts';

interface LeaderProps {
  group: string;
  leadership: Leadership;
  terms: readonly Term[];
  /** Undefined while the journal is not known. */
  journal: Journal | undefined;
  now: number;
  onAction: (action: Action) => void;
}

export function Leader({ group, leadership, terms, journal, now, onAction }: LeaderProps) {
  const { leader, fencingVersion, pending } = leadership;
  const expiresAt = leader ? Date.parse(leader.expiresAt) : 0;
  const isLed = leader !== null && expiresAt > now;
  const own = terms.find((term) => term.fencingVersion === fencingVersion);
  const waiting = waitingNow(journal?.items ?? [], leader, now);
  const others = contendersOf(terms).filter((one) => one !== leader?.contenderId);
  const handOver = { kind: 'hand-over', fencingVersion, waiting, others } as const;
  return (
    <>
      <div class={`leader ${isLed ? 'led' : pending ? 'pending' : 'leaderless'}`}>
        <div class="leader-who">
          <h1>{group}</h1>
          <p class="leader-name" role="status">
            {isLed ? leader.contenderId : pending ? 'Getting ready' : 'No leader'}
          </p>
          <p class="leader-address mono">{isLed ? leader.address : absence(leadership, own, now)}</p>
        </div>
        <div class="leader-lease">
          {isLed ? (
            <>
              <LeaseBar expiresAt={expiresAt} spanMs={own?.leaseMs ?? leaseSpan(leader.sessionId, expiresAt)} />
              <p>
                <b class="num">{ticking(expiresAt - now)}</b> <span class="dim">of the lease left</span>
              </p>
            </>
          ) : (
            <>
              <span class="lease none" />
              <p class="dim">
                {leadership.availableInMs > 0
                  ? `to be taken in ${ticking(leadership.availableInMs)}`
                  : 'free to be taken'}
              </p>
            </>
          )}
        </div>
      </div>
      <dl class="facts">
        <Fact name="Fencing version">{fencingVersion}</Fact>
        <Fact name="State">
          {isLed ? 'confirmed' : pending ? 'granted, not confirmed' : (own?.endReason ?? 'free')}
        </Fact>
        {isLed && (
          <Fact name="Since">{`${clock(leader.confirmedAt, now)} · ${brief(now - Date.parse(leader.confirmedAt))}`}</Fact>
        )}
        {isLed && <Fact name="Session">{leader.sessionId.slice(0, 8)}</Fact>}
        {isLed && versionOf(leader.metadata) && <Fact name="Runs">{versionOf(leader.metadata)}</Fact>}
        {leadership.reservedFor && <Fact name="Kept for">{leadership.reservedFor}</Fact>}
        {leadership.barred && (
          <Fact name="Stays out">{`last process, until ${clock(leadership.barred.until, now)}`}</Fact>
        )}
        {leadership.handOver && <Fact name="Hand-over">{`asked for${toWhom(leadership.handOver.successor)}`}</Fact>}
        {journal && (
          <Waits
            journal={journal}
            waiting={waiting}
            now={now}
            onHandOver={isLed ? (successor) => onAction({ ...handOver, successor }) : undefined}
          />
        )}
        <Fact name="Led before">{others.length > 0 ? others.slice(0, 4).join(', ') : 'nobody else'}</Fact>
      </dl>
      <div class="acts">
        <button type="button" class="act" disabled={!isLed} onClick={() => onAction(handOver)}>
          Hand over…
        </button>
        <button
          type="button"
          class="act danger"
          disabled={!isLed && !pending}
          onClick={() =>
            onAction({ kind: 'revoke', fencingVersion, contenderId: leader?.contenderId ?? 'the contender' })
          }
        >
          Revoke…
        </button>
        <button type="button" class="act" onClick={() => onAction({ kind: 'backup' })}>
          Back up now…
        </button>
      </div>
    </>
  );
}

interface WaitsProps {
  journal: Journal;
  waiting: readonly Waiting[];
  now: number;
  /** Undefined while nobody leads. */
  onHandOver: ((successor: string) => void) | undefined;
}

const mostWaiting = 6;

/** Who looks whether the lease is free; one press away from being handed it. */
function Waits({ journal, waiting, now, onHandOver }: WaitsProps) {
  const more = waiting.length - mostWaiting;
  return (
    <div class="waits">
      <dt>Waiting</dt>
      <dd>
        {waiting.slice(0, mostWaiting).map(({ contenderId, seenAt }) => (
          <button
            key={contenderId}
            type="button"
            class="contender"
            disabled={!onHandOver}
            title={`seen ${ticking(now - seenAt)} ago; hand over to ${contenderId}`}
            onClick={() => onHandOver?.(contenderId)}
          >
            {contenderId}
          </button>
        ))}
        {more > 0 && <span class="dim">and {more} more</span>}
        {waiting.length === 0 && <span class="dim">{journal.kept ? 'nobody' : 'not known: the journal is off'}</span>}
      </dd>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: string | number | undefined }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const toWhom = (successor: string | undefined) => (successor ? `, to ${successor}` : '');

function absence({ pending, reservedFor, restoring }: Leadership, last: Term | undefined, now: number): string {
  if (restoring) return `restore ${restoring.slice(0, 8)} is under way`;
  if (pending) return 'granted; shown once it has confirmed';
  if (reservedFor) return `kept for ${reservedFor}`;
  if (!last?.endedAt) return 'nobody holds the lease';
  return `${last.contenderId} ${last.endReason ?? 'ended'} ${brief(now - Date.parse(last.endedAt))} ago`;
}

/** The version that an application publishes of itself, by the names that are usual. */
function versionOf(metadata: unknown): string | undefined {
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const { version, build, release } = metadata as Record<string, unknown>;
  const found = version ?? build ?? release;
  return found === undefined ? undefined : String(found).slice(0, 40);
}
