/** The election of a log's writer. Design: docs/design/log.md, "Elections and fills". */

import { above, versionOf } from '../../api/ballot.ts';
import { accepted, fill, gather, isApplied } from './fill.ts';
import { follow } from './inspect.ts';
import type { LogParts } from './log.ts';
import { type Answers, ask, isQuorum, tally } from './quorum.ts';
import { isTombstone, type Meta, type PromiseAnswer, type Status, type Views } from './replica.ts';
import { type Handed, handedIn, restOfSlot, take, type WriterRecord } from './sequencer.ts';

export type Election =
  | { readonly elected: WriterRecord }
  /** A rival holds at least this ballot; `final` when its version is newer, so that trying again cannot help. */
  | { readonly lost: number; readonly final: boolean }
  | { readonly exhausted: number }
  | {
      readonly notRecovered: {
        readonly voting: number;
        readonly quorum: number;
        readonly statuses: readonly (Status | 'UNREACHABLE')[];
      };
    }
  | { readonly unreachable: true };

type Attempt = Election | { readonly again: true } | { readonly beaten: number };

/** Marks that a replica keeps of earlier ballots; readers ask a quorum for what lies under older ones. */
const keptMarks = 3;

/**
 * Elects a writer of the fencing version: a ballot above all, promises of a quorum, and every position settled up to
 * the last one. Loses to a newer version at once, to rivals of the same version after some tries.
 */
export async function elect(parts: LogParts, version: number): Promise<Election> {
  const { timer, chance, settings } = parts;
  let beaten = 0;
  for (let tried = 1; tried <= settings.tries; tried += 1) {
    const attempt = await attemptElection(parts, version, beaten);
    if (!('again' in attempt) && !('beaten' in attempt)) return attempt;
    if ('beaten' in attempt) beaten = Math.max(beaten, attempt.beaten);
    if (tried < settings.tries) await timer.sleep(settings.pauseMs * (1 + chance.number()));
  }
  return beaten > 0 ? { lost: beaten, final: false } : { unreachable: true };
}

async function attemptElection(parts: LogParts, version: number, beaten: number): Promise<Attempt> {
  const { replicas, timer, chance, settings } = parts;
  const metas = await ask(
    replicas.map((replica) => () => replica.read()),
    {
      enough: (soFar) => isQuorum(parts, soFar, votes),
      graceMs: settings.electionGraceMs,
      ms: settings.answerMs,
      timer,
    },
  );
  const { met, voting, quorum } = tally(parts, metas, votes);
  if (!met) {
    const statuses = metas.map((meta) => meta?.status ?? 'UNREACHABLE');
    return { notRecovered: { voting, quorum, statuses } };
  }
  const views: Views = metas.map((meta) => (meta && votes(meta) ? meta.view : undefined));
  const before = await parts.sequencer.read();
  const highest = Math.max(beaten, before?.number ?? 0, ...metas.map((meta) => meta?.promised ?? 0));
  const next = above(highest, version);
  if ('outranked' in next) return { lost: highest, final: true };
  if ('exhausted' in next) return { exhausted: highest };
  const ballot = { number: next.ballot, by: chance.id() };
  const promises = await gather<PromiseAnswer>(parts, views, (replica, view) =>
    replica.promise({ ...ballot, view, forget: oldMarks(metas[replicas.indexOf(replica)]) }),
  );
  if (promises.some((answer) => answer?.verdict === 'STALE_VIEW' || answer?.verdict === 'IGNORED'))
    return { again: true };
  const rejected = promises.flatMap((answer) => (answer?.verdict === 'REJECT' ? [answer.promised] : []));
  if (rejected.length > 0) return { beaten: Math.max(...rejected) };
  if (!isQuorum(parts, promises, accepted)) return { unreachable: true };
  return becomeWriter(parts, ballot, views, promises);
}

/**
 * Settles everything that was sent or handed out before, then takes the sequencer over; again if positions were handed
 * out meanwhile.
 */
async function becomeWriter(
  parts: LogParts,
  { number, by }: { number: number; by: string },
  views: Views,
  promises: Answers<PromiseAnswer>,
): Promise<Attempt> {
  const accepts = promises.flatMap((answer) => (answer?.verdict === 'ACCEPT' ? [answer] : []));
  const end = Math.max(...accepts.map((accept) => accept.end));
  let settled = Math.max(...accepts.map((accept) => accept.settled));
  let writer = await parts.sequencer.read();
  for (let tried = 0; tried < 5; tried += 1) {
    settled = Math.max(settled, writer?.settled ?? -1);
    const known = Math.max(end, settled, (writer?.next ?? 0) - 1);
    // A slot of an exclusive writer may be on its way to replicas that have not accepted it: settled now, it cannot
    // turn up behind its own repetition.
    const index = writer?.exclusive ? known + 1 : known;
    // The slots themselves say what the record does not.
    const from = Math.min(settled + 1, writer?.next ?? settled + 1);
    const filled = await settleUpTo(parts, writer, { views, from, to: index, toBeat: number });
    if (!('next' in filled)) return filled;
    settled = Math.max(index, filled.next - 1);
    const { exclusive } = parts.sequencer;
    const now = parts.timer.now();
    const { found } = filled;
    const claim = take(writer, { number, writerId: by, views, index: settled, now, found, exclusive });
    if (!claim) return { beaten: writer?.number ?? number };
    const answer = await parts.sequencer.replace(writer, claim);
    if (answer.replaced) return { elected: claim };
    writer = 'writer' in answer ? answer.writer : writer;
  }
  return { beaten: writer?.number ?? number };
}

interface Stretch {
  readonly views: Views;
  readonly from: number;
  readonly to: number;
  readonly toBeat: number;
}

async function settleUpTo(parts: LogParts, writer: WriterRecord | undefined, { views, from, to, toBeat }: Stretch) {
  const found: Handed[] = [];
  const course = await follow<Attempt>(parts, {
    from,
    to,
    fromSlot: true,
    async open(position) {
      const count = restOfSlot(writer, position);
      const outcome = await fill(parts, { views, position, count, toBeat, version: versionOf(toBeat) });
      if ('filled' in outcome) return outcome;
      if ('lost' in outcome) return { lost: outcome.lost, final: true };
      if ('exhausted' in outcome) return { exhausted: toBeat };
      return outcome.stopped === 'view' ? { again: true } : { unreachable: true };
    },
    async pass(slot) {
      if (!isTombstone(slot.value) && slot.position >= (writer?.next ?? 0)) found.push(...handedIn(slot.value));
      return (await isApplied(parts, slot)) ? undefined : { unreachable: true };
    },
  });
  return 'next' in course ? { ...course, found } : course;
}

/** The keys of all but the furthest marks. */
function oldMarks(meta: Meta | undefined): string[] {
  const marks = Object.entries(meta?.learnedTo ?? {}).sort(([, [, one]], [, [, other]]) => other - one);
  return marks.slice(keptMarks).map(([key]) => key);
}

function votes({ status }: Meta): boolean {
  return status === 'VOTING';
}
