/** An operator's actions on the page: the request, the same as a command, and its effect. Pure. */

import type { Waiting } from '../../../client/explain/waiting.ts';
import type { BackupPlan, HandOver, Revocation } from '../../answers.ts';
import { clock, shellWord, ticking } from '../../format.ts';

export type Action =
  | {
      readonly kind: 'hand-over';
      readonly fencingVersion: number;
      readonly waiting: readonly Waiting[];
      readonly others: readonly string[];
      readonly successor?: string;
    }
  | { readonly kind: 'revoke'; readonly fencingVersion: number; readonly contenderId: string }
  | { readonly kind: 'backup' }
  | { readonly kind: 'cancel-backup'; readonly backupId: string; readonly state: string }
  | { readonly kind: 'recover-replica'; readonly log: string; readonly replica: string; readonly status: string }
  | { readonly kind: 'initialize-replica'; readonly log: string; readonly replica: string };

/** The person's input. */
export interface Form {
  readonly reason: string;
  readonly force: boolean;
  readonly successor: string;
}

export const emptyForm: Form = { reason: '', force: false, successor: '' };

export interface Request {
  readonly path: string;
  readonly body: object;
}

export interface Plan {
  readonly title: string;
  readonly verb: string;
  readonly command: string;
  readonly request: Request;
  /** Asked first, and changes nothing. Without one the API has none, and `effect` says what would come. */
  readonly dryRun?: Request | undefined;
  readonly effect: string;
  /** The parts of the page that change. */
  readonly changes: readonly string[];
  /** The input that is still missing. */
  readonly missing?: string | undefined;
}

export function planOf(action: Action, group: string, form: Form): Plan {
  const path = `/v1/groups/${encodeURIComponent(group)}`;
  const on = `--group ${shellWord(group)}`;
  switch (action.kind) {
    case 'hand-over':
      return handOver(action, path, on, form);
    case 'revoke':
      return revoke(action, path, on, form);
    case 'backup':
      return {
        title: 'Back up now',
        verb: 'Back up',
        command: `tenure backup create ${on} --allow-leader`,
        request: { path: `${path}/backups`, body: { allowLeader: true } },
        dryRun: { path: `${path}/backups`, body: { allowLeader: true, explain: true } },
        effect: 'A worker takes a consistent backup; the leader is not slowed down.',
        changes: ['backups', 'workers'],
      };
    case 'cancel-backup':
      return {
        title: `Cancel backup ${action.backupId.slice(0, 8)}`,
        verb: 'Cancel the backup',
        command: `tenure backup cancel ${action.backupId} ${on}`,
        request: { path: `${path}/backups/${action.backupId}/cancel`, body: {} },
        effect: `It is ${action.state.toLowerCase()} now. The worker stops with its next heartbeat, and the files of this attempt are collected. Earlier backups stay.`,
        changes: ['backups', 'workers'],
      };
    case 'recover-replica':
      return recoverReplica(action, path, on);
    case 'initialize-replica':
      return {
        title: `Initialise replica ${action.replica} of ${action.log}`,
        verb: 'Initialise the replica',
        command: `tenure log init ${shellWord(action.log)} ${on} --replica ${action.replica}`,
        request: { path: replicaPath(path, action, 'initialize'), body: {} },
        effect: `The log has never held an entry: this founds it on replica ${action.replica}, which then votes with nothing. It is refused as soon as a reachable replica has promised or stored anything.`,
        changes: ['logs', 'journal'],
      };
  }
}

function handOver(
  { fencingVersion }: Extract<Action, { kind: 'hand-over' }>,
  path: string,
  on: string,
  { successor }: Form,
): Plan {
  const to = successor && { successor };
  const whom = successor
    ? `The lease is then kept for ${successor} for one lease time.`
    : 'The first contender to ask gets the lease.';
  return {
    title: 'Hand over',
    verb: 'Ask for the hand-over',
    command: `tenure leader hand-over ${on}${successor ? ` --to ${shellWord(successor)}` : ''}`,
    request: { path: `${path}/leadership/hand-over`, body: { fencingVersion, ...to } },
    dryRun: { path: `${path}/leadership/hand-over`, body: { fencingVersion, ...to, dryRun: true } },
    effect: `The leader of version ${fencingVersion} hears of it with its next renewal, stops its work and resigns. ${whom}`,
    changes: ['leadership', 'terms', 'journal'],
  };
}

function revoke(
  { fencingVersion, contenderId }: Extract<Action, { kind: 'revoke' }>,
  path: string,
  on: string,
  { reason, force }: Form,
): Plan {
  const body = { fencingVersion, reason: reason || '…', force };
  const said = reason ? shellWord(reason) : "'…'";
  return {
    title: `Revoke the term of ${contenderId}`,
    verb: force ? 'Revoke by force' : 'Revoke',
    command: `tenure leader revoke ${on} --fencing-version ${fencingVersion} --reason ${said}${force ? ' --force' : ''}`,
    request: { path: `${path}/leadership/revoke`, body },
    dryRun: { path: `${path}/leadership/revoke`, body: { ...body, dryRun: true } },
    effect: force
      ? `By force: the next leader may begin while ${contenderId} still believes that it leads. Its guarded writes are refused; whatever else it does is not.`
      : `${contenderId} learns of it with its next renewal. Nobody else gets the lease before its old expiry.`,
    changes: ['leadership', 'terms', 'journal'],
    missing: reason ? undefined : 'a reason: shown to the leader and kept with the term',
  };
}

function recoverReplica(
  { log, replica, status }: Extract<Action, { kind: 'recover-replica' }>,
  path: string,
  on: string,
): Plan {
  return {
    title: `Recover replica ${replica} of ${log}`,
    verb: 'Recover the replica',
    command: `tenure log recover ${shellWord(log)} ${on} --replica ${replica}`,
    request: { path: replicaPath(path, { log, replica }, 'recover'), body: {} },
    effect: `It is ${status.toLowerCase()} now. It copies what the others hold and votes once it has everything; the log takes entries meanwhile.`,
    changes: ['logs', 'journal'],
  };
}

const replicaPath = (path: string, { log, replica }: { log: string; replica: string }, step: string) =>
  `${path}/logs/${encodeURIComponent(log)}/replicas/${replica}/${step}`;

/** The result of a dry run, in a sentence. */
export function dryRunText(action: Action, { successor }: Form, answer: unknown, now: number): string {
  if (action.kind === 'hand-over') return handOverText(action, successor, answer as HandOver, now);
  if (action.kind === 'revoke') {
    const { contenderId, takeoverAt } = answer as Revocation;
    const wait = Date.parse(takeoverAt) - now;
    const when = wait > 0 ? `at ${clock(takeoverAt, now)}, in ${ticking(wait)}` : 'at once';
    return `Would end the term of ${contenderId}; the lease can be taken ${when}.`;
  }
  const { candidates, positions } = answer as BackupPlan;
  const chosen = candidates.find((one) => one.chosen);
  const cut = Object.entries(positions).map(([log, position]) => `${log} at ${position}`);
  const others = candidates.filter((one) => !one.chosen).map(({ worker, why }) => `${worker}: ${why}`);
  const who = chosen
    ? `${chosen.worker} on ${chosen.host} would take it (${chosen.why})`
    : 'The built-in worker would take it';
  return [`${who}.`, cut.length > 0 ? `The cut as of now: ${cut.join(', ')}.` : '', ...others]
    .filter(Boolean)
    .join(' ');
}

function handOverText(
  { waiting }: Extract<Action, { kind: 'hand-over' }>,
  successor: string,
  { contenderId }: HandOver,
  now: number,
): string {
  const seen = (one: Waiting) => `${one.contenderId}, seen ${ticking(now - one.seenAt)} ago`;
  const chosen = waiting.find((one) => one.contenderId === successor);
  const asked = `Would ask ${contenderId} to resign.`;
  if (chosen)
    return `${asked} ${chosen.contenderId} waits for the lease, and was seen ${ticking(now - chosen.seenAt)} ago.`;
  if (successor)
    return `${asked} ${successor} is not seen waiting: nobody else could take the lease for one lease time.`;
  return waiting.length === 0
    ? `${asked} Nobody is seen waiting: the group could stay without a leader.`
    : `${asked} Those who wait: ${waiting.map(seen).join('; ')}.`;
}
