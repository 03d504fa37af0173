import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Backup, Job, Journal, Leadership, Log, Term } from '../answers.ts';
import { keptName } from '../known.ts';
import { useLive, useNow } from '../live.ts';
import { Frame, Refused } from '../parts/frame.tsx';
import type { Route } from '../route.ts';
import { ActionDialog } from './actions/action-dialog.tsx';
import type { Action } from './actions/actions.ts';
import { Backups } from './backups.tsx';
import { Events, useEvents } from './events.tsx';
import { Explained } from './explained.tsx';
import { Jobs } from './jobs.tsx';
import { Leader } from './leader.tsx';
import { Logs } from './logs.tsx';
import { groupQuestions } from './questions.ts';
import { TermHistory } from './term-history.tsx';

export function GroupPage({ route }: { route: Extract<Route, { kind: 'group' }> }) {
  const { group, tab } = route;
  const questions = useMemo(() => groupQuestions(group), [group]);
  const live = useLive(keptName(group, ''), () => questions);
  const [action, setAction] = useState<Action>();
  const now = useNow();
  const feed = useEvents(group);
  const leadership = live.get<Leadership>('leadership');
  const terms = live.get<readonly Term[]>('terms');
  useEffect(() => {
    document.getElementById(tab)?.scrollIntoView({ block: 'start' });
  }, [tab]);
  useEffect(() => {
    const up = (event: KeyboardEvent) => {
      const isFree = !(event.target instanceof HTMLInputElement) && document.querySelector('dialog[open]') === null;
      if (event.key === 'Escape' && isFree) location.hash = '#/';
    };
    addEventListener('keydown', up);
    return () => removeEventListener('keydown', up);
  }, []);
  const { value } = leadership;
  const isUnknown = value?.fencingVersion === 0;
  return (
    <Frame live={live} crumb={group}>
      <div class="group">
        <section id="now" class="part part-leader" aria-label="Leader">
          {value && (
            <Leader
              group={group}
              leadership={value}
              terms={terms.value ?? []}
              journal={live.get<Journal>('journal').value}
              now={now}
              onAction={setAction}
            />
          )}
          {!value && leadership.problem && (
            <Refused problem={leadership.problem} action="the observer's GET …/leadership" />
          )}
          {!value && !leadership.problem && <h1 class="leader-name dim">{group}</h1>}
        </section>
        {isUnknown ? (
          <NeverLed group={group} />
        ) : (
          <>
            <TermHistory terms={terms} now={now} />
            <div class="column">
              <Logs group={group} logs={live.get<readonly Log[]>('logs')} onAction={setAction} />
              <Backups live={live} backups={live.get<readonly Backup[]>('backups')} now={now} onAction={setAction} />
            </div>
            <div class="column">
              <Jobs group={group} jobs={live.get<readonly Job[]>('jobs')} now={now} />
              <Events feed={feed} now={now} />
            </div>
            <Explained group={group} live={live} events={feed.events} />
          </>
        )}
      </div>
      {action && (
        <ActionDialog
          group={group}
          action={action}
          onDone={(names) => live.refresh(...names)}
          onClose={() => setAction(undefined)}
        />
      )}
    </Frame>
  );
}

function NeverLed({ group }: { group: string }) {
  return (
    <section class="empty">
      <h2>Nobody has led this group yet</h2>
      <p>It begins with its first contender. In a terminal:</p>
      <code class="command">npx tenure lead --group {group} -- sleep 600</code>
    </section>
  );
}
