/** The conditional writes of the registry of jobs, as values. Design: docs/design/jobs.md, "Rules". */
import type { Fence } from '../../api/fence.ts';
import { requireLiveTerm } from '../../leadership/fence.ts';
import { groupsIndex } from '../../leadership/keys.ts';
import { absent, allOf, anyOf, type Condition, compare, equals, size } from '../../store/condition.ts';
import { attributeOf, ifAbsent, plus, remove, set, setAll, type Update } from '../../store/update.ts';
import { check, put, update, type Write } from '../../store/write.ts';
import { keyIsFree } from './asked.ts';
import { type Job, type JobName, newestOf, type Result } from './job.ts';
import {
  checkpointSlots,
  cutOff,
  isNoJob,
  noSlots,
  owesCleanUp,
  storedGraph,
  storedRegisters,
  toItem,
} from './job-item.ts';
import type { Replacement } from './job-store.ts';
import { jobCountKey, jobKey } from './keys.ts';
import { notStateLocked } from './state-locks.ts';

type Writes = readonly [Write, ...Write[]];

/** A new job, unless the group has so many, while the fence is that of the running term. */
export function submitJob(job: Job, fence: Fence, now: number, most: number): Writes {
  const leads = requireLiveTerm(job.group, fence, now);
  return [
    check(leads.key, allOf(leads.condition, notStateLocked)),
    put(jobKey(job.group, job.jobId), toItem(job), isNoJob),
    update(
      jobCountKey(job.group),
      set('count', plus(ifAbsent('count', 0), 1)),
      anyOf(absent('count'), compare('count', '<', most)),
    ),
  ];
}

/** The condition of every change of an active job: no newer term has touched it, and no backup holds it back. */
const mayChange = (version: number): Condition =>
  allOf(equals('state', 'ACTIVE'), compare('fence', '<=', version), notStateLocked);

/** Conditioned on the record being as it was seen. */
export function replaceJob(seen: Job, version: number, replacement: Replacement): Write {
  const { graph, retain = seen.retain, metadata, requestId } = replacement;
  const registers = changeRetention(seen, retain);
  return update(
    jobKey(seen.group, seen.jobId),
    [
      ...setAll({ fence: version, graph: storedGraph(graph), requestId, requestBefore: seen.requestId, retain }),
      ...setAll({ cut: cutOff(retain), revision: plus(attributeOf('revision'), 1) }),
      ...set('metadata', metadata === undefined ? undefined : JSON.stringify(metadata)),
      ...registers.changes,
    ],
    allOf(
      mayChange(version),
      equals('requestId', seen.requestId),
      equals('retain', seen.retain),
      ...registers.conditions,
    ),
  );
}

/**
 * The effect of another retention on the registers. Clearing slots, instead of writing the register anew, can never
 * bring back what another request has dropped meanwhile; lists beyond them are written as a whole, if nothing has
 * changed.
 */
function changeRetention(seen: Job, retain: number): { changes: Update; conditions: Condition[] } {
  if (Math.max(retain, seen.retain) <= checkpointSlots) {
    const cleared = Array.from({ length: Math.max(0, seen.retain - retain) }, (_, at) => retain + at);
    return { changes: cleared.flatMap((at) => set(`checkpoints[${at}]`, null)), conditions: [] };
  }
  const { checkpoints, commits } = storedRegisters({ ...seen, retain });
  return { changes: setAll({ checkpoints, commits }), conditions: [nothingCommittedSince(seen)] };
}

/** Nothing was committed, reserved, dropped or replaced since the job was seen. */
export const nothingCommittedSince = (seen: Job): Condition =>
  allOf(
    equals('nextCheckpointId[0]', seen.nextCheckpointId),
    equals('newest', newestOf(seen)),
    equals('revision', seen.revision ?? 0),
  );

/** ACTIVE → FINISHED; what waits for its clean-up is listed for it. */
export function finishJob(name: JobName, version: number, result: Result, cleanUp: 'held' | undefined): Write {
  return update(
    jobKey(name.group, name.jobId),
    setAll({
      state: 'FINISHED',
      fence: version,
      result,
      ...(cleanUp === 'held' ? { cleanUp } : owesCleanUp(name.group)),
    }),
    allOf(mayChange(version), ...keyIsFree(result.requestId)),
  );
}

const noSavepoints = compare(size('savepoints'), '=', 0);

/** FINISHED → CLEANED, unless a backup holds the job; one job less counts. `ttl` for one without savepoints. */
export const endCleanUp = ({ group, jobId }: JobName, ttl: number | undefined): Writes => [
  update(
    jobKey(group, jobId),
    [
      ...setAll({ state: 'CLEANED', checkpoints: noSlots(), ttl }),
      ...remove('graph', groupsIndex.partitionKey, groupsIndex.sortKey),
    ],
    allOf(
      equals('state', 'FINISHED'),
      absent('heldBy'),
      absent('cleanUp'),
      notStateLocked,
      ...(ttl === undefined ? [] : [noSavepoints]),
    ),
  ),
  update(jobCountKey(group), set('count', plus(ifAbsent('count', 1), -1))),
];
