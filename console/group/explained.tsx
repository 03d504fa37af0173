/** The explanation of the last hour, as `tenure explain` prints it: made from what the page knows already. */
import { useMemo } from 'preact/hooks';
import { explain } from '../../client/explain/explain.ts';
import type { Facts } from '../../client/explain/facts.ts';
import { why } from '../../client/explain/why.ts';
import { now } from '../api.ts';
import { clock } from '../format.ts';
import type { Live } from '../known.ts';
import { Part } from '../parts/part.tsx';
import type { GroupEvent } from './event-text.ts';
import { explainedMs } from './questions.ts';

const mostEntries = 60;

interface Props {
  group: string;
  live: Live;
  events: readonly GroupEvent[];
}

export function Explained({ group, live, events }: Props) {
  const facts = factsOf(group, live, events);
  // Anew with each answer, not with each tick: the page can be read in between.
  const explanation = useMemo(() => explain(facts), [group, live.lastAnswerAt]);
  const entries = explanation.entries.slice(-mostEntries).reverse();
  const state = why('nobody-leads', facts);
  const move = why('moved', facts);
  const refusal = why('refused', facts);
  const at = now();
  return (
    <Part
      name="explain"
      title="Explained"
      known={live.get('terms')}
      empty={false}
      side={<code class="dim">tenure explain {group} --since 1h</code>}
    >
      <dl class="answers">
        <div>
          <dt>{state.cause === 'led' ? 'Who leads?' : 'Why does nobody lead?'}</dt>
          <dd>{state.answer}</dd>
        </div>
        {move.cause !== 'one-term' && (
          <div>
            <dt>Why did it move?</dt>
            <dd>{move.answer}</dd>
          </div>
        )}
        {refusal.cause !== 'which-version' && (
          <div>
            <dt>Why was a write refused?</dt>
            <dd>{refusal.answer}</dd>
          </div>
        )}
      </dl>
      <ol class="story">
        {entries.map(({ at: instant, kind, text, because, evidence }) => (
          <li key={`${instant} ${text}`} class={`entry-${kind}`}>
            <time dateTime={instant}>{clock(instant, at)}</time>
            <div>
              <p>
                {text}
                {because && <span class="dim">: {because}</span>}
              </p>
              {evidence.length > 0 && <small class="dim">{evidence.join(' · ')}</small>}
            </div>
          </li>
        ))}
      </ol>
      {entries.length === 0 && <p class="note">Nothing happened within the last hour.</p>}
    </Part>
  );
}

function factsOf(group: string, live: Live, events: readonly GroupEvent[]): Facts {
  const known = <Value,>(name: string) => live.get<Value>(name).value;
  return {
    group,
    now: now(),
    since: now() - explainedMs,
    leadership: known<Facts['leadership']>('leadership'),
    terms: known<Facts['terms']>('terms') ?? [],
    jobs: known<Facts['jobs']>('jobs') ?? [],
    logs: known<Facts['logs']>('logs') ?? [],
    backups: known<Facts['backups']>('backups') ?? [],
    journal: known<Facts['journal']>('journal'),
    events,
    unanswered: [],
  };
}
