/**
 * Changing the members of a log, one step at a time. Design: docs/design/log.md, "Members".
 *
 *   stable ── begin ──> CATCHING_UP ── every next member votes ──> JOINT ── every next member holds everything ──> stable
 *   {old}               {old}, next                                {old} and {next}                                {next}
 *
 * Either phase can be given up for the old members.
 *
 * Each step is one conditional write of the configuration; what lies between two steps changes nothing that a quorum
 * is, and can be repeated by anybody at any time. Never is a decision left to replicas that have not caught up: until
 * JOINT those that are added count for nothing, and in JOINT the old members still have to agree.
 */
import { catchUp } from './catch-up.ts';
import { type Configuration, endChange, makeJoint } from './configuration.ts';
import type { LogParts } from './log.ts';
import { ask, isQuorum } from './quorum.ts';
import { shortId } from './recovery.ts';
import type { Meta, MetaOutcome, PromiseAnswer, Replica } from './replica.ts';

export type Step =
  /** Nobody changes the members. */
  | { readonly kind: 'stable' }
  /** The next configuration: to be written if the present one still stands. */
  | { readonly kind: 'move'; readonly to: Configuration }
  | { readonly kind: 'wait'; readonly reason: string; readonly recover: readonly Replica[] };

/** Positions that one replica is brought up with before the time is looked at again. */
const sliceSize = 512;

/**
 * Does what the change of the members needs next, for as long as `goOn` says. The parts must be those of the
 * configuration.
 */
export async function nextStep(parts: LogParts, configuration: Configuration, goOn: () => boolean): Promise<Step> {
  const { next } = configuration;
  if (!next) return { kind: 'stable' };
  const wanted = parts.replicas.filter(({ id }) => next.replicas.some((member) => member.id === id));
  switch (next.phase) {
    case 'CATCHING_UP':
      return waitFor(await findNotVoting(parts, wanted)) ?? move(makeJoint(configuration));
    case 'JOINT':
      return (await level(parts, wanted, goOn)) ?? move(endChange(configuration));
  }
}

function move(to: Configuration | undefined): Step {
  return to ? { kind: 'move', to } : { kind: 'stable' };
}

function waitFor(behind: readonly Replica[]): Step | undefined {
  if (behind.length === 0) return undefined;
  const names = behind.map(({ id }) => `"${id}"`).join(', ');
  return { kind: 'wait', reason: `replica ${names} does not vote yet`, recover: behind };
}

async function findNotVoting({ timer, settings }: LogParts, replicas: readonly Replica[]): Promise<Replica[]> {
  const metas = await ask<Meta>(
    replicas.map((replica) => () => replica.read()),
    { enough: () => false, ms: settings.answerMs, timer },
  );
  return replicas.filter((_, at) => metas[at]?.status !== 'VOTING');
}

/**
 * Ends what coordinators of the older configuration may still do: a quorum takes new views, and with them this
 * configuration. Their answers say how far the log can have come by then; every next member is brought up to there.
 * Undefined once all are.
 */
async function level(parts: LogParts, wanted: readonly Replica[], goOn: () => boolean): Promise<Step | undefined> {
  const absent = waitFor(await findNotVoting(parts, wanted));
  if (absent) return absent;
  const reach = await fence(parts, wanted);
  if (!reach) return { kind: 'wait', reason: 'fewer than a quorum of the replicas vote', recover: [] };
  for (const replica of wanted) {
    for (let from = reach.begin; from <= reach.end; from += sliceSize) {
      const to = Math.min(reach.end, from + sliceSize - 1);
      const caught = await catchUp(parts, replica, { from, to });
      const reason = `replica "${replica.id}" is caught up to position ${from} of ${reach.end}`;
      if ('stuckAt' in caught || !goOn()) return { kind: 'wait', reason, recover: [] };
    }
  }
  return waitFor(await findNotVoting(parts, wanted));
}

async function fence(parts: LogParts, wanted: readonly Replica[]): Promise<{ begin: number; end: number } | undefined> {
  const { replicas, timer, settings } = parts;
  const answers = await ask<MetaOutcome>(
    replicas.map((replica) => () => replica.replaceView(shortId(parts))),
    { enough: () => false, ms: settings.answerMs, timer },
  );
  if (!isQuorum(parts, answers, ({ changed }) => changed)) return undefined;
  const voting = answers.flatMap((answer) => (answer?.changed ? [answer.meta] : []));
  // A next member may not have been asked for the last promise, which a majority of the next members must remember.
  const { promised: number, promisedBy: by } = voting.reduce((top, one) => (one.promised > top.promised ? one : top));
  const promises = await ask<PromiseAnswer>(
    replicas.map((replica, at) => () => {
      const view = answers[at]?.changed ? answers[at].meta.view : undefined;
      return view !== undefined && wanted.includes(replica)
        ? replica.promise({ number, by, view, forget: [] })
        : undefined;
    }),
    { enough: () => false, ms: settings.answerMs, timer },
  );
  const remembered = promises.filter((answer) => answer?.verdict === 'ACCEPT' || answer?.verdict === 'REJECT').length;
  if (remembered < wanted.length) return undefined;
  const writer = await parts.sequencer.read();
  return {
    begin: Math.max(...voting.map(({ begin }) => begin)),
    end: Math.max((writer?.next ?? 0) - 1, ...voting.map(({ end }) => end)),
  };
}
