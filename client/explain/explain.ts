/** One time line of a group: what happened, why, and what shows it. Pure: the same facts give the same explanation. */
import { causeOf, clockDoubt, endOf, waitingIn } from './causes.ts';
import type { Draft, Entry } from './entry.ts';
import type { Backup, Facts, Job, Log } from './facts.ts';
import { journalEntries } from './journaled.ts';
import { type Availability, availabilityOf, gapBetween, gapsOf, type Tenure, tenuresOf } from './tenures.ts';
import { size, span, time } from './words.ts';

export interface Explanation {
  readonly group: string;
  readonly from: string;
  readonly to: string;
  readonly availability: {
    readonly percent?: number | undefined;
    readonly ledMs: number;
    readonly gapMs: number;
    readonly gaps: number;
    readonly longestGap?: { readonly from: string; readonly ms: number; readonly because: string } | undefined;
  };
  /** Oldest first. */
  readonly entries: readonly Entry[];
  /** Questions that got no answer; the explanation leaves their subjects out. */
  readonly unanswered: Facts['unanswered'];
}

export function explain(facts: Facts): Explanation {
  const { group, since, now } = facts;
  const tenures = tenuresOf(facts.terms);
  const drafts = [
    ...termEntries(tenures, facts),
    ...gapEntries(tenures, facts),
    ...facts.jobs.flatMap((job) => jobEntries(job)),
    ...facts.backups.flatMap((backup) => backupEntries(backup, now)),
    ...facts.logs.flatMap((log) => logEntries(log, now)),
    ...journalEntries(facts),
  ];
  const availability = availabilityOf(tenures, facts);
  return {
    group,
    from: iso(availability.from),
    to: iso(now),
    availability: toAvailability(availability, now),
    entries: drafts
      .filter(({ at }) => at >= since && at <= now)
      .sort((one, other) => one.at - other.at)
      .map((draft) => ({ ...draft, at: iso(draft.at) })),
    unanswered: facts.unanswered,
  };
}

const iso = (at: number) => new Date(at).toISOString();

function toAvailability({ percent, ledMs, gapMs, gaps, longest }: Availability, now: number) {
  const longestGap = longest && { from: iso(longest.from), ms: longest.ms, because: causeOf(longest, now).because };
  return { percent, ledMs, gapMs, gaps, longestGap };
}

function termEntries(tenures: readonly Tenure[], { now }: Facts): Draft[] {
  return tenures.flatMap((tenure, at) => {
    const before = tenures[at - 1];
    const doubt = clockDoubt(before, tenure);
    const began: Draft = {
      at: tenure.confirmedAt,
      kind: 'term',
      text: beganText(tenure, before, now),
      evidence: beganEvidence(tenure, before),
    };
    const ended: Draft[] =
      tenure.endedAt === undefined
        ? []
        : [
            {
              at: tenure.endedAt,
              kind: 'end',
              text: `version ${tenure.version} of ${tenure.contenderId} ended after ${span(tenure.endedAt - tenure.confirmedAt)}`,
              ...endOf(tenure, now),
            },
          ];
    return [
      began,
      ...(doubt ? [{ at: tenure.confirmedAt, kind: 'doubt' as const, text: doubt, evidence: [] }] : []),
      ...ended,
    ];
  });
}

function beganText({ version, contenderId, grantedAt, confirmedAt }: Tenure, before: Tenure | undefined, now: number) {
  if (before?.endedAt === undefined) return `version ${version} went to ${contenderId}, the first leader known here`;
  const wait = (grantedAt ?? confirmedAt) - before.endedAt;
  const how = grantedAt === undefined ? 'confirmed for' : 'granted to';
  const lease = before.endReason === 'resigned' || before.endReason === 'revoked' ? 'term' : 'lease';
  return `version ${version} ${how} ${contenderId} ${span(wait)} after version ${before.version}'s ${lease} ended at ${time(before.endedAt, now)}`;
}

function beganEvidence(after: Tenure, before: Tenure | undefined): string[] {
  const address = after.address ? [`address ${after.address}`] : [];
  if (!before) return address;
  return [...waitingIn(gapBetween(before, after)), ...address];
}

/** Only the one that lasts: the others appear with the term that ended them. */
function gapEntries(tenures: readonly Tenure[], facts: Facts): Draft[] {
  const ongoing = gapsOf(tenures, facts).filter(({ to }) => to === undefined);
  return ongoing.map((gap) => ({
    at: gap.from,
    kind: 'gap',
    text: `no leader since then: ${span(gap.ms)} so far`,
    ...causeOf(gap, facts.now),
  }));
}

const mostCheckpoints = 4;

function jobEntries(job: Job): Draft[] {
  if (job.state === 'DAMAGED') return [];
  const { jobId, submittedAt, finishedAt, result, detail, fencingVersion, checkpoints } = job;
  const submitted: Draft = { at: Date.parse(submittedAt), kind: 'job', text: `job ${jobId} submitted`, evidence: [] };
  const finished: Draft[] = finishedAt
    ? [
        {
          at: Date.parse(finishedAt),
          kind: 'job',
          text: `job ${jobId} ${result ?? 'finished'}`,
          evidence: [`by fencing version ${fencingVersion}`, ...(detail ? [detail] : [])],
        },
      ]
    : [];
  return [submitted, ...checkpointEntries(jobId, checkpoints), ...finished];
}

/** A rhythm is one entry: each checkpoint by itself would hide all else. */
function checkpointEntries(jobId: string, checkpoints: Extract<Job, { submittedAt: string }>['checkpoints']): Draft[] {
  const first = checkpoints[0];
  const last = checkpoints.at(-1);
  if (first === undefined || last === undefined) return [];
  if (checkpoints.length <= mostCheckpoints) {
    return checkpoints.map(({ checkpointId, committedAt, bytes }) => ({
      at: Date.parse(committedAt),
      kind: 'checkpoint' as const,
      text: `checkpoint ${checkpointId} of ${jobId} committed (${size(bytes)})`,
      evidence: [],
    }));
  }
  const [from, to] = [Date.parse(first.committedAt), Date.parse(last.committedAt)];
  const every = span((to - from) / (checkpoints.length - 1));
  return [
    {
      at: to,
      kind: 'checkpoint',
      text: `checkpoints ${first.checkpointId} to ${last.checkpointId} of ${jobId} committed, one every ${every} on average`,
      evidence: [`the newest has ${size(last.bytes)}; a recovery returns it`],
    },
  ];
}

function backupEntries(
  { backupId, state, startedAt, endedAt, worker, bytes, error, refusals, attempt }: Backup,
  now: number,
) {
  const short = backupId.slice(0, 8);
  const begun: Draft = {
    at: Date.parse(startedAt),
    kind: 'backup',
    text: `backup ${short} begun`,
    evidence: refusals.map((refusal) => `${refusal.worker} refused: ${refusal.reason}`),
  };
  if (!endedAt) return [begun];
  const took = span(Date.parse(endedAt) - Date.parse(startedAt));
  const ended: Draft = {
    at: Date.parse(endedAt),
    kind: 'backup',
    text:
      state === 'COMPLETED'
        ? `backup ${short} completed in ${took} (${size(bytes)})`
        : `backup ${short} failed after ${took}`,
    because: error?.message,
    evidence: [`attempt ${attempt}${worker ? ` by ${worker}` : ''}`, `until ${time(Date.parse(endedAt), now)}`],
  };
  return [begun, ended];
}

function logEntries({ log, createdAt, voting, replicas, quorum }: Log, now: number): Draft[] {
  const created: Draft = { at: Date.parse(createdAt), kind: 'log', text: `log ${log} created`, evidence: [] };
  const behind = replicas.filter(({ status, waitsFor }) => status !== 'VOTING' || waitsFor !== undefined);
  if (behind.length === 0) return [created];
  const text = `log ${log}: ${voting} of ${replicas.length} replicas vote${voting < quorum ? `, ${quorum} must: it takes no entries` : ''}`;
  const evidence = behind.map(
    ({ id, status, lag, waitsFor }) => `replica ${id} is ${status}, ${lag} behind${waitsFor ? `: ${waitsFor}` : ''}`,
  );
  return [created, { at: now, kind: 'log', text, evidence }];
}
