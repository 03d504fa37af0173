/** One question, one answer, with what shows it and what to do next. Pure. */
import { causeOf, clockDoubt, endOf, waitingIn } from './causes.ts';
import type { Facts, Leadership } from './facts.ts';
import { gapBetween, type Tenure, tenuresOf } from './tenures.ts';
import { seenForMs, waitingNow } from './waiting.ts';
import { span, time } from './words.ts';

export const questions = ['nobody-leads', 'moved', 'no-vote', 'refused'] as const;
export type Question = (typeof questions)[number];

/** The subject of a question, besides the group. */
export interface Subject {
  readonly log?: string | undefined;
  readonly replica?: string | undefined;
  readonly job?: string | undefined;
  /** Of the write that was refused. */
  readonly fencingVersion?: number | undefined;
}

export interface Answer {
  readonly question: Question;
  /** A word for programs. */
  readonly cause: string;
  readonly answer: string;
  readonly evidence: readonly string[];
  /** Commands, or what to check. */
  readonly next: readonly string[];
}

type Found = Omit<Answer, 'question'>;

export function why(question: Question, facts: Facts, subject: Subject = {}): Answer {
  return { question, ...(sayUnanswered(question, facts) ?? answers[question](facts, subject)) };
}

const answers: Readonly<Record<Question, (facts: Facts, subject: Subject) => Found>> = {
  'nobody-leads': whyNobodyLeads,
  moved: whyMoved,
  'no-vote': whyNoVote,
  refused: whyRefused,
};

/** The facts that the answer needs could not be read, and the answer says so. */
function sayUnanswered(question: Question, { unanswered: parts }: Facts): Found | undefined {
  const needed = question === 'no-vote' ? ['logs'] : ['leadership', 'terms'];
  const missing = parts.find(({ asked }) => needed.includes(asked));
  if (!missing) return undefined;
  const { asked, code, message } = missing;
  if (code === 'forbidden') {
    const answer = `Unknown: your credentials may not read the ${asked} of the group.`;
    return { cause: 'forbidden', answer, evidence: [message], next: ['see docs/permissions.md, the observer'] };
  }
  const answer =
    code === 'throttled' || code === 'unavailable'
      ? 'The service refuses requests at the moment: its table is throttled or out of reach. Leaders cannot renew either, so their leases run out.'
      : 'The service cannot be asked.';
  return {
    cause: code,
    answer,
    evidence: [message],
    next: ['tenure doctor', 'look at the table’s ThrottledRequests metric'],
  };
}

function whyNobodyLeads(facts: Facts): Found {
  const { leadership, group, now } = facts;
  if (!leadership)
    return { cause: 'unknown', answer: 'Nothing is known of the group.', evidence: [], next: ['tenure groups'] };
  const { leader, fencingVersion } = leadership;
  if (leader) {
    const answer = `${leader.contenderId} leads with version ${fencingVersion}, confirmed ${time(Date.parse(leader.confirmedAt), now)}.`;
    return {
      cause: 'led',
      answer,
      evidence: [`its lease runs until ${time(Date.parse(leader.expiresAt), now)}`],
      next: [],
    };
  }
  if (fencingVersion === 0) {
    const next = [`tenure lead --group ${group} -- COMMAND`];
    return { cause: 'never-led', answer: 'Nobody has ever contended for this group.', evidence: [], next };
  }
  return heldBack(facts, leadership) ?? free(facts, leadership);
}

/** Something keeps the lease from others for now. */
function heldBack(facts: Facts, leadership: Leadership): Found | undefined {
  const { group } = facts;
  const { pending, reservedFor, availableInMs, fencingVersion, restoring } = leadership;
  const last = tenuresOf(facts.terms).at(-1);
  const evidence = endEvidence(facts);
  if (restoring !== undefined) {
    const next = [
      `tenure restore show ${restoring} --group ${group}`,
      `tenure restore abandon ${restoring} --group ${group}`,
    ];
    return {
      cause: 'restoring',
      answer: 'A restore is under way: contenders are refused until it has completed.',
      evidence: [],
      next,
    };
  }
  if (pending) {
    const tries = last ? fencingVersion - last.version : 1;
    const answer =
      tries > 1
        ? `Version ${fencingVersion} gets ready, as ${tries - 1} before it did that were never confirmed: new leaders fail while they recover.`
        : `Version ${fencingVersion} was granted and gets ready: it is shown once it has confirmed.`;
    return { cause: 'pending', answer, evidence, next: ['look at the log of the contender that was granted it'] };
  }
  if (reservedFor !== undefined) {
    const answer = `The lease is kept for ${reservedFor}, whom the last leader named as its successor, for ${span(availableInMs)} more; ${reservedFor} has not taken it.`;
    return {
      cause: 'reserved',
      answer,
      evidence,
      next: [`check that ${reservedFor} runs; then anybody may take the lease`],
    };
  }
  if (availableInMs <= 0) return undefined;
  if (last?.endReason === 'revoked' && last.version === fencingVersion) {
    const answer = `Version ${last.version} of ${last.contenderId} was revoked without force: nobody can take the lease for ${span(availableInMs)}, until the old leader must have noticed.`;
    return { cause: 'revoked', answer, evidence, next: [] };
  }
  const answer = `The lease of version ${fencingVersion} has just run out; it can be taken in ${span(availableInMs)}, once the allowance for clock skew has passed.`;
  return { cause: 'skew-allowance', answer, evidence, next: [] };
}

/** The lease can be taken, and nobody takes it. */
function free(facts: Facts, { barred }: Leadership): Found {
  const { group, now } = facts;
  const evidence = [...endEvidence(facts), ...waitingEvidence(facts)];
  const contend = `POST /v1/groups/${group}/leadership/contend`;
  if (barred) {
    const rest = span(Date.parse(barred.until) - now);
    const answer = `The process that led last leaves the lease to others for ${rest} more, and nobody else contends.`;
    const next = ['start a second contender', `the process ${barred.instanceId} contends again after that`];
    return { cause: 'barred', answer, evidence, next };
  }
  const last = tenuresOf(facts.terms).at(-1);
  const frozen = last?.endReason === 'expired' || last?.endReason === 'superseded';
  return {
    cause: frozen ? 'leader-lost' : 'nobody-contends',
    answer: `${frozen ? `${last.contenderId} stopped renewing, and the` : 'The'} lease is free: no request for it arrives. Either nobody contends, or the contenders’ requests are refused before they reach Tenure.`,
    evidence,
    next: [
      'look at the contenders’ logs: `forbidden` means that their role lacks execute-api:Invoke on',
      contend,
      `tenure lead --group ${group} -- COMMAND`,
    ],
  };
}

/** Who looks whether the lease is free, when the journal is kept and was read. */
function waitingEvidence({ journal, leadership, now }: Facts): string[] {
  if (!journal?.kept) return [];
  const waiting = waitingNow(journal.items, leadership?.leader, now);
  if (waiting.length === 0) return [`no contender has asked or looked for ${span(seenForMs)}`];
  return waiting.map(({ contenderId, seenAt }) => `${contenderId} waits: it was seen ${span(now - seenAt)} ago`);
}

function endEvidence({ terms, now }: Facts): string[] {
  const before = tenuresOf(terms).at(-1);
  const from = before?.endedAt;
  if (before === undefined || from === undefined) return [];
  const { because, evidence } = causeOf({ from, ms: now - from, before, unconfirmed: 0 }, now);
  return [`version ${before.version} of ${before.contenderId} ended at ${time(from, now)}: ${because}`, ...evidence];
}

function whyMoved(facts: Facts): Found {
  const { now } = facts;
  const [before, after] = tenuresOf(facts.terms).slice(-2);
  if (!before || !after)
    return { cause: 'one-term', answer: 'It has not moved: only one term is known.', evidence: [], next: [] };
  const { because, evidence } = endOf(before, now);
  const gap = gapBetween(before, after);
  const doubt = clockDoubt(before, after);
  return {
    cause: doubt ? 'clock-ahead' : (before.endReason ?? 'unknown'),
    answer: `From ${before.contenderId} to ${after.contenderId}, with version ${after.version}: ${because}. Nobody led for ${span(gap.ms)}.`,
    evidence: [...evidence, ...waitingIn(gap), ...(doubt ? [doubt] : [])],
    next: doubt ? ['tenure doctor measures the clock of the service'] : nextAfter(before),
  };
}

function nextAfter({ endReason, contenderId, address }: Tenure): string[] {
  if (endReason !== 'expired' && endReason !== 'superseded') return [];
  return [
    `look at ${contenderId} (${address}): memory, a long pause of its runtime, its network, the end of its process`,
  ];
}

function whyNoVote({ logs, group }: Facts, { log, replica }: Subject): Found {
  const candidates = logs.filter((one) => log === undefined || one.log === log);
  if (candidates.length === 0) {
    const answer = log === undefined ? 'The group has no log.' : `The group has no log ${log}.`;
    return { cause: 'no-log', answer, evidence: [], next: [`tenure log ls --group ${group}`] };
  }
  for (const one of candidates) {
    for (const { id, status, waitsFor, lag } of one.replicas) {
      if ((replica !== undefined && id !== replica) || (replica === undefined && status === 'VOTING')) continue;
      const evidence = [
        `status ${status}, ${lag} positions behind`,
        `${one.voting} of ${one.replicas.length} vote, ${one.quorum} must`,
      ];
      if (status === 'VOTING')
        return { cause: 'votes', answer: `Replica ${id} of ${one.log} votes.`, evidence, next: [] };
      const answer = `Replica ${id} of ${one.log} does not vote: ${waitsFor ?? reasons[status]}.`;
      return { cause: status.toLowerCase(), answer, evidence, next: [nextFor(status, one.log, id, group)] };
    }
  }
  const answer = replica === undefined ? 'Every replica votes.' : `No log of the group has a replica ${replica}.`;
  return { cause: replica === undefined ? 'votes' : 'no-replica', answer, evidence: [], next: [] };
}

const reasons = {
  EMPTY: 'it holds nothing, and must recover from the others or be initialised',
  STARTING: 'the log is being founded: it waits for the other replicas',
  RECOVERING: 'it recovers from the others',
  UNREACHABLE: 'its table cannot be read: throttled, deleted, or without permission',
} as const;

function nextFor(status: string, log: string, replica: string, group: string): string {
  const command = status === 'EMPTY' ? 'recover' : 'status';
  const which = command === 'recover' ? ` --replica ${replica}` : '';
  return `tenure log ${command} ${log} --group ${group}${which}`;
}

function whyRefused(facts: Facts, { fencingVersion, job }: Subject): Found {
  const { leadership, now, group } = facts;
  const current = leadership?.fencingVersion ?? 0;
  const finished = facts.jobs.find((one) => one.state !== 'DAMAGED' && one.jobId === job && one.state !== 'ACTIVE');
  if (finished && finished.state !== 'DAMAGED') {
    const answer = `Job ${job} is ${finished.state}, with the result ${finished.result}: it takes no more writes.`;
    const evidence = finished.finishedAt ? [`finished ${time(Date.parse(finished.finishedAt), now)}`] : [];
    return { cause: 'job-finished', answer, evidence, next: [] };
  }
  const seen = refusedBefore(facts, fencingVersion, job);
  if (fencingVersion === undefined && seen?.fencingVersion !== undefined) {
    const found = whyRefused(facts, { fencingVersion: seen.fencingVersion, job });
    return {
      ...found,
      answer: `The newest refusal is ${seen.request} with version ${seen.fencingVersion}. ${found.answer}`,
    };
  }
  if (fencingVersion === undefined) {
    const answer = `A write passes only with the version of the running term, which is ${current}. Give the version that the write carried.`;
    return {
      cause: 'which-version',
      answer,
      evidence: [],
      next: [`tenure explain ${group} --why refused --fencing-version N`],
    };
  }
  if (fencingVersion > current) {
    const answer = `Version ${fencingVersion} has never been granted: the group is at version ${current}.`;
    return {
      cause: 'unknown-version',
      answer,
      evidence: [],
      next: ['check that the write names this group and this stack'],
    };
  }
  const tenures = tenuresOf(facts.terms);
  const own = tenures.find(({ version }) => version === fencingVersion);
  if (fencingVersion === current && leadership?.leader) {
    const answer = `Version ${fencingVersion} is the running term of ${leadership.leader.contenderId}: the fence did not refuse the write. See the code of the problem.`;
    return { cause: 'current', answer, evidence: [], next: ['docs/problems.md lists each code with its remedy'] };
  }
  const found = fencedBy(fencingVersion, current, own, tenures.at(-1), now);
  const journaled = seen
    ? [`the journal has ${seen.request} refused with ${seen.code}, ${seen.count} in its minute`]
    : [];
  return { cause: 'fenced', ...found, evidence: [...found.evidence, ...journaled] };
}

/** The newest refusal that the journal knows of this version and this job. */
function refusedBefore({ journal }: Facts, fencingVersion: number | undefined, job: string | undefined) {
  const all = (journal?.items ?? []).flatMap(({ refused: some }) => some);
  return all.findLast(
    (one) =>
      (fencingVersion === undefined || one.fencingVersion === fencingVersion) &&
      (job === undefined || one.request.includes(` jobs/${job}/`) || one.request.endsWith(` jobs/${job}`)),
  );
}

function fencedBy(version: number, current: number, own: Tenure | undefined, newest: Tenure | undefined, now: number) {
  const next = ['stop the work of that process: the term does not come back'];
  const since = newest?.version === current && current > version ? `; ${newest.contenderId} leads with ${current}` : '';
  if (!own)
    return {
      answer: `Version ${version} was never confirmed, or is older than the known terms${since}.`,
      evidence: [],
      next,
    };
  const { because, evidence } = endOf(own, now);
  const at = own.endedAt === undefined ? '' : ` at ${time(own.endedAt, now)}`;
  return { answer: `The term of version ${version} ended${at}: ${because}${since}.`, evidence, next };
}
