/**
 * A single caller's view of a group's lease, one call after the other. Leases expire by the clock: a step is only taken
 * in a state in which its instants could have been, given that the service decided some time between the call and its
 * return.
 */
import type { Call, Specification } from './linearizability.ts';

export interface FenceOf {
  readonly fencingVersion: number;
  readonly sessionId: string;
}

export type LeaseInput =
  | { readonly step: 'contend'; readonly contenderId: string; readonly requestId: string }
  | { readonly step: 'confirm'; readonly fence: FenceOf; readonly address: string }
  | { readonly step: 'renew'; readonly fence: FenceOf }
  | {
      readonly step: 'resign';
      readonly fence: FenceOf;
      readonly successor?: string | undefined;
      readonly requestId: string;
    }
  | { readonly step: 'revoke'; readonly fencingVersion: number; readonly force: boolean; readonly requestId: string }
  | { readonly step: 'observe' };

/** Instants in epoch ms. */
export type LeaseOutput =
  | { readonly granted: FenceOf & { readonly expiresAt: number } }
  | {
      readonly held: {
        readonly contenderId: string;
        readonly fencingVersion: number;
        readonly confirmed: boolean;
      } | null;
    }
  | { readonly lost: { readonly reason: string; readonly fencingVersion: number } }
  | { readonly done: { readonly expiresAt?: number } }
  | { readonly shown: Shown };

export interface Shown {
  readonly fencingVersion: number;
  readonly pending: boolean;
  readonly leader: { readonly sessionId: string; readonly address: string; readonly expiresAt: number } | null;
}

export type LeaseCall = Call<LeaseInput, LeaseOutput>;

/** Of what no answer has told, nothing is known: any value fits, until one is told. */
interface Holder {
  readonly contenderId: string;
  readonly sessionId?: string | undefined;
  readonly expiresAt?: number | undefined;
  readonly address?: string | undefined;
}

export interface LeaseState {
  readonly version: number;
  readonly requestId?: string;
  readonly holder?: Holder;
  readonly ended?: { readonly reason: string; readonly requestId: string };
  /** A revoked holder keeps the others away until then; a successor for some time between the two instants. */
  readonly blocked?: { readonly contenderId: string; readonly until?: number | undefined };
  readonly reserved?: { readonly contenderId: string; readonly from: number; readonly to: number };
  /** The contender whose term ended stays out until some time that is not before this; every caller is one process. */
  readonly barred?: { readonly contenderId: string; readonly from?: number | undefined };
}

export interface LeaseSettings {
  readonly leaseMs: number;
  readonly maxClockSkewMs: number;
}

type Step = (state: LeaseState, call: LeaseCall) => readonly LeaseState[];
const returned = ({ returnedAt = Number.POSITIVE_INFINITY }: LeaseCall) => returnedAt;

/** Could the service have decided this call when that instant had passed, or before it came? */
const mayBeAfter = (call: LeaseCall, instant: number | undefined) => instant === undefined || returned(call) >= instant;
const mayBeBefore = (call: LeaseCall, instant: number | undefined) => instant === undefined || call.calledAt <= instant;

const holds = ({ version, holder }: LeaseState, fence: FenceOf) =>
  version === fence.fencingVersion && holder?.sessionId === fence.sessionId;

export function leaseSpecification({
  leaseMs,
  maxClockSkewMs,
}: LeaseSettings): Specification<LeaseState, LeaseInput, LeaseOutput> {
  const later = (instant: number | undefined) => instant && instant + maxClockSkewMs;

  const mayBeFree = ({ holder, blocked, reserved, barred }: LeaseState, call: LeaseCall, contenderId: string) => {
    if (!holder && barred?.contenderId === contenderId && !mayBeAfter(call, barred.from)) return false;
    if (holder) return mayBeAfter(call, later(holder.expiresAt));
    if (blocked) return mayBeAfter(call, later(blocked.until));
    return !reserved || reserved.contenderId === contenderId || mayBeAfter(call, reserved.from);
  };

  /** Whom a refused contender is told of. */
  const occupant = ({ version, holder, blocked, reserved }: LeaseState, call: LeaseCall, contenderId: string) => {
    const of = (whose: string, confirmed: boolean) => ({ contenderId: whose, fencingVersion: version, confirmed });
    if (holder && mayBeBefore(call, later(holder.expiresAt))) {
      const own = holder.contenderId === contenderId;
      if (!own || mayBeAfter(call, holder.expiresAt)) return of(holder.contenderId, holder.address !== undefined);
    }
    if (blocked && mayBeBefore(call, blocked.until)) return of(blocked.contenderId, false);
    if (reserved && reserved.contenderId !== contenderId && mayBeBefore(call, reserved.to))
      return of(reserved.contenderId, false);
    return undefined;
  };

  const grant = (
    state: LeaseState,
    contenderId: string,
    requestId: string,
    reported: Partial<FenceOf & { expiresAt: number }>,
  ) => ({
    version: state.version + 1,
    requestId,
    holder: { contenderId, sessionId: reported.sessionId, expiresAt: reported.expiresAt },
  });

  const contend: Step = (state, call) => {
    const { contenderId, requestId } = call.input as LeaseInput & { step: 'contend' };
    const { output } = call;
    const free = mayBeFree(state, call, contenderId) && state.requestId !== requestId;
    if (!output) return free ? [state, grant(state, contenderId, requestId, {})] : [state];
    if ('granted' in output) {
      const { granted } = output;
      const fresh =
        free && granted.fencingVersion === state.version + 1 && granted.sessionId !== state.holder?.sessionId;
      const again = sameTerm(state, call, contenderId, granted);
      return [...(fresh ? [grant(state, contenderId, requestId, granted)] : []), ...again];
    }
    if ('lost' in output)
      return state.requestId === requestId && ended(state, call, undefined, output.lost) ? [state] : [];
    if (!('held' in output)) return [];
    if (output.held === null) return state.holder ? [] : [state];
    return sameJson(output.held, occupant(state, call, contenderId)) ? [state] : [];
  };

  /** The holder's other calls: while its lease may be alive they take effect, else they are told why not. */
  const fenced =
    (takeEffect: (state: LeaseState, holder: Holder, call: LeaseCall) => LeaseState | undefined): Step =>
    (state, call) => {
      const { fence } = call.input as LeaseInput & { fence: FenceOf };
      const { output } = call;
      const { holder } = state;
      const after = holder && holds(state, fence) ? takeEffect(state, holder, call) : undefined;
      if (!output) return after ? [state, after] : [state];
      if ('done' in output) return after ? [after] : [];
      return 'lost' in output && ended(state, call, fence, output.lost) ? [state] : [];
    };

  const confirm = fenced((state, holder, call) => {
    const { address } = call.input as LeaseInput & { step: 'confirm' };
    return mayBeBefore(call, holder.expiresAt) ? { ...state, holder: { ...holder, address } } : undefined;
  });

  const renew = fenced((state, holder, call) => {
    const expiresAt = call.output && 'done' in call.output ? call.output.done.expiresAt : undefined;
    const shortens = expiresAt !== undefined && holder.expiresAt !== undefined && expiresAt < holder.expiresAt;
    return mayBeBefore(call, holder.expiresAt) && !shortens
      ? { ...state, holder: { ...holder, expiresAt } }
      : undefined;
  });

  const resign = fenced(({ version, requestId }, { contenderId }, call) => {
    const { successor, ...input } = call.input as LeaseInput & { step: 'resign' };
    const reserved = { from: call.calledAt + leaseMs, to: returned(call) + leaseMs };
    return {
      version,
      ...(requestId ? { requestId } : {}),
      ended: { reason: 'resigned', requestId: input.requestId },
      barred: { contenderId, from: call.calledAt + leaseMs },
      ...(successor ? { reserved: { contenderId: successor, ...reserved } } : {}),
    };
  });

  const revoke: Step = (state, call) => {
    const { fencingVersion, force, requestId } = call.input as LeaseInput & { step: 'revoke' };
    const { output } = call;
    const { holder } = state;
    const after: LeaseState | undefined =
      holder && state.version === fencingVersion
        ? {
            version: state.version,
            ...(state.requestId ? { requestId: state.requestId } : {}),
            ended: { reason: 'revoked', requestId },
            barred: {
              contenderId: holder.contenderId,
              from: force ? call.calledAt + leaseMs : holder.expiresAt && holder.expiresAt + leaseMs,
            },
            ...(force ? {} : { blocked: { contenderId: holder.contenderId, until: holder.expiresAt } }),
          }
        : undefined;
    if (!output) return after ? [state, after] : [state];
    if ('done' in output) return after ? [after] : [];
    return 'lost' in output && ended(state, call, { fencingVersion, sessionId: '' }, output.lost) ? [state] : [];
  };

  const observe: Step = (state, call) => {
    if (!call.output) return [state];
    if (!('shown' in call.output)) return [];
    const { leader, pending, fencingVersion } = call.output.shown;
    const { holder, version } = state;
    if (fencingVersion !== version) return [];
    if (!leader && !pending) return holder && !mayBeAfter(call, holder.expiresAt) ? [] : [state];
    if (!holder || !mayBeBefore(call, holder.expiresAt)) return [];
    if (!leader) return holder.address === undefined ? [state] : [];
    if (holder.address !== leader.address) return [];
    const known = { sessionId: leader.sessionId, expiresAt: leader.expiresAt };
    return fits(holder, known) ? [{ ...state, holder: { ...holder, ...known } }] : [];
  };

  const steps: Record<LeaseInput['step'], Step> = { contend, confirm, renew, resign, revoke, observe };
  return {
    initial: { version: 0 },
    step: (state, call) => steps[call.input.step](state, call),
    key: (state) => JSON.stringify(state),
  };
}

function sameTerm(
  state: LeaseState,
  call: LeaseCall,
  contenderId: string,
  reported: FenceOf & { expiresAt: number },
): LeaseState[] {
  const { holder, version } = state;
  if (holder?.contenderId !== contenderId || version !== reported.fencingVersion) return [];
  if (!mayBeBefore(call, holder.expiresAt) || !fits(holder, reported)) return [];
  return [{ ...state, holder: { ...holder, sessionId: reported.sessionId, expiresAt: reported.expiresAt } }];
}

const fits = (holder: Holder, reported: { sessionId: string; expiresAt: number }) =>
  (holder.sessionId ?? reported.sessionId) === reported.sessionId &&
  (holder.expiresAt ?? reported.expiresAt) === reported.expiresAt;

/** Whether a caller with this fence (a contender's late retry has none) can be told this. */
function ended(
  state: LeaseState,
  call: LeaseCall,
  fence: FenceOf | undefined,
  reported: { reason: string; fencingVersion: number },
) {
  if (reported.fencingVersion !== state.version) return false;
  if (fence && fence.fencingVersion !== state.version) return reported.reason === 'superseded';
  if (state.holder) return reported.reason === 'expired' && mayBeAfter(call, state.holder.expiresAt);
  return reported.reason === (state.ended?.reason ?? 'expired');
}

const sameJson = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
