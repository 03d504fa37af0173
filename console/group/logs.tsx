/** Logs: what each replica holds, how far it is behind, and what it waits for. */
import type { Log } from '../answers.ts';
import { count } from '../format.ts';
import type { Known } from '../known.ts';
import { Part } from '../parts/part.tsx';
import type { Action } from './actions/actions.ts';

interface Props {
  group: string;
  logs: Known<readonly Log[]>;
  onAction: (action: Action) => void;
}

export function Logs({ group, logs, onAction }: Props) {
  const all = logs.value ?? [];
  return (
    <Part
      name="logs"
      title="Logs"
      known={logs}
      empty={
        all.length === 0 && (
          <>
            No log yet: <code>npx tenure log create NAME --group {group}</code>
          </>
        )
      }
    >
      <ul class="cards">
        {all.map((log) => (
          <li key={log.log} class="card">
            <LogCard log={log} onAction={onAction} />
          </li>
        ))}
      </ul>
    </Part>
  );
}

function LogCard({ log, onAction }: { log: Log; onAction: (action: Action) => void }) {
  const { configuration, voting, quorum, replicas, begin, end } = log;
  const tone = voting < quorum ? 'bad' : voting < replicas.length ? 'warn' : 'good';
  const tables = new Map(
    configuration.replicas.map(({ id, table, region }) => [id, region ? `${table} · ${region}` : table]),
  );
  return (
    <>
      <header class="card-head">
        <h3>{log.log}</h3>
        <span class={`state ${tone}`}>
          {voting} of {replicas.length} vote, {quorum} must
        </span>
      </header>
      <p class="card-line dim">
        positions {count(begin)} to {count(end)} · configuration {configuration.version}
        {configuration.next &&
          ` · changing: ${configuration.next.phase === 'JOINT' ? 'both count' : 'new replicas catch up'}`}
      </p>
      <ol class="replicas">
        {replicas.map((replica) => (
          <li key={replica.id} class={replica.status === 'VOTING' ? 'voting' : 'waiting'}>
            <span class="replica-id">{replica.id}</span>
            <span class="replica-extent" aria-hidden="true">
              <i style={{ width: `${extent(replica, end)}%` }} />
            </span>
            <span class="replica-status">{replica.status.toLowerCase()}</span>
            <span class="replica-lag num">{replica.lag === 0 ? 'level' : `${count(replica.lag)} behind`}</span>
            {replica.status !== 'VOTING' && (
              <button type="button" class="act small" onClick={() => onAction(remedyOf(log, replica))}>
                {remedyOf(log, replica).kind === 'initialize-replica' ? 'Initialise…' : 'Recover…'}
              </button>
            )}
            <small class="replica-note">{replica.waitsFor ?? tables.get(replica.id) ?? ''}</small>
          </li>
        ))}
      </ol>
    </>
  );
}

/** An empty replica of a log that never held an entry has nobody to recover from. */
function remedyOf({ log, end }: Log, { id: replica, status }: Log['replicas'][number]): Action {
  if (status === 'EMPTY' && end === 0) return { kind: 'initialize-replica', log, replica };
  return { kind: 'recover-replica', log, replica, status };
}

function extent({ end }: { end: number }, most: number): number {
  return most === 0 ? 100 : Math.max(0, Math.min(100, (100 * end) / most));
}
