/** How a replica comes to vote. Design: docs/design/log.md, "Recovery of a replica". */
import { catchUp } from './catch-up.ts';
import type { LogParts } from './log.ts';
import { type Answers, ask, count, isMajority, isQuorum, type Tally, tally, UnreachableError } from './quorum.ts';
import type { Meta, MetaOutcome, Replica } from './replica.ts';
import { unsavedPositions, type WriterRecord } from './sequencer.ts';

export interface Circumstances {
  /** The votes of the other replicas. */
  readonly votes: Tally;
  readonly autoInitialize: boolean;
  /** A log that ever had a writer is never founded anew by itself. */
  readonly hasWriter: boolean;
  /** An operator gives up what a lost quorum held: what is left is recovered from the replicas that still vote. */
  readonly salvage: boolean;
}

export type Step = { readonly step: 'recover' | 'salvage' | 'start' | 'vote' } | ({ readonly step: 'wait' } & Waiting);

export interface Waiting {
  /** In a word, for a metric. */
  readonly why: 'restore' | 'empty' | 'unreachable' | 'quorum' | 'other run';
  readonly reason: string;
}

/** Decides by what the other replicas answered (undefined: nothing) after this one's record was read. */
export function decide(
  self: Meta,
  others: Answers<Meta>,
  { votes, autoInitialize, hasWriter, salvage }: Circumstances,
): Step {
  const all = (...statuses: string[]) => others.every((meta) => meta !== undefined && statuses.includes(meta.status));
  const { voting, quorum } = votes;
  const unreachable = others.filter((meta) => meta === undefined).length;
  if (self.restoreId !== undefined) return wait('restore', 'a restore fills this replica');
  if (votes.met) return { step: 'recover' };
  if (salvage && count(others, isVoting) > 0 && unreachable === 0) return { step: 'salvage' };
  if (self.status === 'STARTING' && all('STARTING', 'VOTING')) return { step: 'vote' };
  if (self.status === 'EMPTY' && all('EMPTY', 'STARTING')) {
    if (hasWriter)
      return wait(
        'empty',
        'every replica is empty but the log had a writer: restore a backup or initialise with force',
      );
    return autoInitialize ? { step: 'start' } : wait('empty', 'the log is not initialised: run "tenure log init"');
  }
  if (unreachable > 0)
    return wait('unreachable', `${unreachable} replicas do not answer and only ${voting} of ${quorum} needed vote`);
  return wait(
    'quorum',
    `only ${voting} of ${quorum} needed replicas vote: wait for the others, or recover this one with force`,
  );
}

function wait(why: Waiting['why'], reason: string): Step {
  return { step: 'wait', why, reason };
}

export interface Plan {
  readonly incarnation: string;
  readonly from: number;
  readonly to: number;
  /** Take for chosen whatever is left: a quorum was lost and given up. */
  readonly salvage?: true;
}

export type Round =
  | { readonly phase: 'voting' }
  | ({ readonly phase: 'waiting' } & Waiting)
  /** Catch up this range, then finish under this incarnation. */
  | ({ readonly phase: 'catching-up' } & Plan);

const otherRun: Round = { phase: 'waiting', why: 'other run', reason: 'another run moved this replica' };

/**
 * One round of a replica's recovery. The replica's life is pinned before the others are asked, so that a run that is
 * overtaken by another wipe changes nothing.
 */
export async function recoveryRound(
  parts: LogParts,
  replica: Replica,
  autoInitialize: boolean,
  salvage = false,
): Promise<Round> {
  const { chance } = parts;
  const self = await replica.create({ incarnation: chance.id(), view: shortId(parts) });
  if (self.status === 'VOTING') return { phase: 'voting' };
  const [others, writer] = await Promise.all([askOthers(parts, replica), parts.sequencer.read()]);
  const votes = tally(parts, others, isVoting);
  const circumstances = { votes, autoInitialize, hasWriter: writer !== undefined, salvage };
  const members = new Set(parts.majorities.flat());
  const isMember = members.has(parts.replicas.indexOf(replica));
  const decision = decide(
    self,
    others.filter((_, at) => members.has(at) && parts.replicas[at] !== replica),
    circumstances,
  );
  // One that is to be added learns what the members have; founding or saving a log is not its part.
  if (!isMember && decision.step !== 'recover')
    return { phase: 'waiting', why: 'quorum', reason: 'too few of the members vote' };
  if (decision.step === 'wait') return { phase: 'waiting', why: decision.why, reason: decision.reason };
  if (decision.step === 'recover') return joinVoting(parts, replica, self);
  if (decision.step === 'salvage') return joinSurvivors(parts, replica, self, others);
  const { incarnation, status } = self;
  const change = { status: decision.step === 'start' ? ('STARTING' as const) : ('VOTING' as const) };
  const { changed } = await replica.transition({ incarnation, status }, change);
  if (changed && change.status === 'VOTING') return { phase: 'voting' };
  return changed ? { phase: 'waiting', why: 'quorum', reason: 'the other replicas are starting' } : otherRun;
}

/**
 * Marks the replica, then takes a new view to every coordinator's quorum, and the promises that it may have forgotten
 * from those same answers: a writer that was elected with the lost replica has to elect again.
 */
export function joinVoting(parts: LogParts, replica: Replica, self: Meta): Promise<Round> {
  return join(parts, replica, self, (places) => isMajority(parts.majorities, places));
}

/** The same with fewer than a quorum, once what the others held is given up: all that still vote have to take part. */
async function joinSurvivors(parts: LogParts, replica: Replica, self: Meta, others: Answers<Meta>): Promise<Round> {
  const survivors = count(others, isVoting);
  const round = await join(parts, replica, self, (places) => places.size >= survivors);
  return round.phase === 'catching-up' ? { ...round, salvage: true } : round;
}

async function join(
  parts: LogParts,
  replica: Replica,
  self: Meta,
  isEnough: (places: ReadonlySet<number>) => boolean,
): Promise<Round> {
  const { incarnation } = self;
  const marked = await replica.transition(self, { status: 'RECOVERING', view: shortId(parts) });
  if (!marked.changed) return otherRun;
  const { timer, settings } = parts;
  const answers = await ask(
    parts.replicas.map((other) => () => (other === replica ? undefined : other.replaceView(shortId(parts)))),
    { enough: (soFar) => isEnough(changedIn(soFar)), ms: settings.answerMs, timer },
  );
  const voting = answers.flatMap((answer) => (answer?.changed ? [answer.meta] : []));
  if (!isEnough(changedIn(answers))) {
    return { phase: 'waiting', why: 'quorum', reason: `only ${voting.length} of the other replicas vote` };
  }
  const { promised, promisedBy } = voting.reduce((top, meta) => (meta.promised > top.promised ? meta : top));
  const status = 'RECOVERING';
  const from = Math.min(...voting.map(({ floor }) => floor));
  const to = Math.max(...voting.map(({ end }) => end));
  const took = await replica.transition({ incarnation, status }, { status, promised, promisedBy, end: to });
  if (!took.changed) return otherRun;
  return { phase: 'catching-up', incarnation, from, to };
}

/** Lets a replica vote that has caught up; false when it lives another life or already left RECOVERING. */
export async function finish(replica: Replica, incarnation: string): Promise<boolean> {
  const status = 'RECOVERING';
  const { changed, meta } = await replica.transition({ incarnation, status }, { status: 'VOTING' });
  return changed || (meta.status === 'VOTING' && meta.incarnation === incarnation);
}

/** Recovers a replica in this process, to the end; `cancelled` is asked between the steps. */
export async function recover(
  parts: LogParts,
  replica: Replica,
  {
    autoInitialize,
    salvage = false,
    cancelled = () => false,
  }: { autoInitialize: boolean; salvage?: boolean; cancelled?: () => boolean },
): Promise<'voting' | 'cancelled'> {
  while (!cancelled()) {
    const phase = await tryToVote(parts, replica, autoInitialize, salvage).catch((error: unknown) => {
      if (error instanceof UnreachableError) return 'waiting';
      throw error;
    });
    if (phase === 'voting') return phase;
    await parts.timer.sleep(500 + parts.chance.number() * 500);
  }
  return 'cancelled';
}

async function tryToVote(
  parts: LogParts,
  replica: Replica,
  autoInitialize: boolean,
  salvage: boolean,
): Promise<'voting' | 'waiting'> {
  const round = await recoveryRound(parts, replica, autoInitialize, salvage);
  if (round.phase !== 'catching-up') return round.phase;
  const caught = await catchUp(parts, replica, round);
  return 'learned' in caught && (await finish(replica, round.incarnation)) ? 'voting' : 'waiting';
}

/** The records of the other replicas, each at its place. */
export function askOthers(parts: LogParts, replica: Replica): Promise<Answers<Meta>> {
  const { replicas, timer, settings } = parts;
  return ask(
    replicas.map((other) => () => (other === replica ? undefined : other.read())),
    { enough: (soFar) => isQuorum(parts, soFar, isVoting), ms: settings.answerMs, timer },
  );
}

const isVoting = ({ status }: Meta) => status === 'VOTING';

const changedIn = (answers: Answers<MetaOutcome>) =>
  new Set(answers.flatMap((answer, at) => (answer?.changed ? [at] : [])));

/** The sequencer's record has the view of each replica: short ones keep it under 1 KB. */
export function shortId({ chance }: LogParts): string {
  return chance.id().replaceAll('-', '').slice(0, 12);
}

/** The first position of a log that is initialised again: none that was ever handed out is used twice. */
export function originAfter(writer: WriterRecord | undefined): number {
  return (writer?.next ?? 0) + (writer?.exclusive ? unsavedPositions : 0);
}
