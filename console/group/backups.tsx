/** Backups: their phases on one scale, the workers that could take the next, and when the schedule does. */
import type { Backup, BackupPolicy, Worker } from '../answers.ts';
import { brief, bytes, clock, duration } from '../format.ts';
import type { Known, Live } from '../known.ts';
import { Part } from '../parts/part.tsx';
import type { Action } from './actions/actions.ts';
import { nextSlot, phasesOf, totalMs } from './gantt.ts';

interface Props {
  live: Live;
  backups: Known<readonly Backup[]>;
  now: number;
  onAction: (action: Action) => void;
}

const mostShown = 8;

export function Backups({ live, backups, now, onAction }: Props) {
  const all = backups.value ?? [];
  const shown = all.slice(0, mostShown);
  const longest = Math.max(1, ...shown.map((backup) => totalMs(backup, now)));
  const workers = live.get<readonly Worker[]>('workers').value ?? [];
  const policy = live.get<BackupPolicy | null>('policy').value;
  return (
    <Part
      name="backups"
      title="Backups"
      known={backups}
      empty={false}
      side={<span class="dim">{scheduleText(policy, now)}</span>}
    >
      {shown.length === 0 ? (
        <p class="note">
          No backup yet.{' '}
          <button type="button" class="link" onClick={() => onAction({ kind: 'backup' })}>
            Take one now
          </button>
        </p>
      ) : (
        <>
          <p class="legend dim" aria-hidden="true">
            <i class="INITIATING" /> starts <i class="TRANSITIONING" /> catches up <i class="RUNNING" /> writes{' '}
            <i class="VERIFYING" /> verifies
          </p>
          <ol class="backups">
            {shown.map((backup) => (
              <BackupRow key={backup.backupId} backup={backup} longest={longest} now={now} onAction={onAction} />
            ))}
          </ol>
        </>
      )}
      <p class="workers">
        <span class="dim">Workers</span>{' '}
        {workers.length === 0 ? (
          <span class="dim">none registered; the built-in worker takes backups</span>
        ) : (
          workers.map(({ worker, host, present, busyWith, lastSeenAt }) => (
            <span key={worker} class={`state ${present ? 'good' : 'dim'}`} title={host}>
              {worker}
              {busyWith ? ' · busy' : present ? '' : ` · last seen ${brief(now - Date.parse(lastSeenAt))} ago`}
            </span>
          ))
        )}
      </p>
    </Part>
  );
}

function scheduleText(policy: BackupPolicy | null | undefined, now: number): string {
  if (policy === undefined) return '';
  if (policy === null) return 'no schedule';
  const next = nextSlot(policy, now);
  const rhythm = policy.everyMs === undefined ? `daily at ${policy.dailyAt} UTC` : `every ${brief(policy.everyMs)}`;
  return `${rhythm}, keeps ${policy.retain}${next === undefined ? '' : ` · next in ${brief(next - now)}`}`;
}

interface RowProps {
  backup: Backup;
  longest: number;
  now: number;
  onAction: (action: Action) => void;
}

function BackupRow({ backup, longest, now, onAction }: RowProps) {
  const { backupId, state, startedAt, worker, error, entryCount } = backup;
  const isRunning = state !== 'COMPLETED' && state !== 'FAILED';
  const phases = phasesOf(backup, longest, now);
  const label = phases.map(({ phase, ms }) => `${phase.toLowerCase()} ${duration(ms)}`).join(', ');
  return (
    <li class={state === 'FAILED' ? 'failed' : isRunning ? 'running' : 'completed'}>
      <span class="backup-when">
        {clock(startedAt, now)} <small class="mono dim">{backupId.slice(0, 8)}</small>
      </span>
      <span class="gantt" role="img" aria-label={label}>
        {phases.map(({ phase, left, width, isRunning: isNow }) => (
          <i
            key={phase}
            class={`${phase} ${isNow ? 'now' : ''}`}
            style={{ left: `${left}%`, width: `max(2px, ${width}%)` }}
          />
        ))}
      </span>
      <span class="backup-state">
        <b>{isRunning ? state.toLowerCase() : state === 'COMPLETED' ? 'completed' : 'failed'}</b>
        <small class="dim">
          {duration(totalMs(backup, now))} · {bytes(backup.bytes)} · {entryCount} entries
          {worker ? ` · ${worker}` : ''}
        </small>
      </span>
      {isRunning && (
        <button type="button" class="act small" onClick={() => onAction({ kind: 'cancel-backup', backupId, state })}>
          Cancel…
        </button>
      )}
      {error && <small class="backup-error">{error.message}</small>}
    </li>
  );
}
