/** The terms on a time line: lengths to scale, what ended each, and the time without a leader. */
import { useState } from 'preact/hooks';
import { causeOf, endOf } from '../../client/explain/causes.ts';
import { availabilityOf, type Gap, type Tenure, tenuresOf } from '../../client/explain/tenures.ts';
import { span } from '../../client/explain/words.ts';
import type { Term } from '../answers.ts';
import { clock } from '../format.ts';
import type { Known } from '../known.ts';
import { Part } from '../parts/part.tsx';
import { type Bar, chartOf, type GapBar, type Range, ranges, usualRange, windowBegin } from './lanes.ts';

interface Props {
  terms: Known<readonly Term[]>;
  now: number;
}

type Chosen = { readonly kind: 'term'; readonly version: number } | { readonly kind: 'gap'; readonly after: number };

export function TermHistory({ terms, now }: Props) {
  const known = terms.value ?? [];
  const [range, setRange] = useState<Range>();
  const [chosen, choose] = useState<Chosen>();
  const shown = range ?? usualRange(known, now);
  const from = windowBegin(known, shown, now);
  const { lanes, gaps, ticks } = chartOf(known, from, now);
  const tenures = tenuresOf(known);
  return (
    <Part
      name="terms"
      title="Terms"
      known={terms}
      empty={known.length === 0 && 'No term has been confirmed yet.'}
      side={<Ranges shown={shown} onChange={setRange} />}
    >
      <Availability tenures={tenures} from={from} now={now} />
      <div class="chart">
        <div class="ticks" aria-hidden="true">
          {ticks.map(({ at, left }) => (
            <span key={at} style={{ left: `${left}%` }}>
              {left < roomForTick && clock(at, now).replace(/:00$/, '')}
            </span>
          ))}
        </div>
        <div class="lane gap-lane">
          <span class="lane-name dim">no leader</span>
          <div class="track">
            {gaps.map((bar) => (
              <GapMark
                key={bar.gap.from}
                bar={bar}
                onChoose={() => choose({ kind: 'gap', after: bar.gap.before?.version ?? 0 })}
              />
            ))}
          </div>
        </div>
        {lanes.map(({ contenderId, bars }) => (
          <div class="lane" key={contenderId}>
            <span class="lane-name">{contenderId}</span>
            <div class="track">
              {bars.map((bar) => (
                <TermMark
                  key={bar.tenure.version}
                  bar={bar}
                  now={now}
                  onChoose={() => choose({ kind: 'term', version: bar.tenure.version })}
                />
              ))}
            </div>
          </div>
        ))}
      </div>
      <Detail chosen={chosen} tenures={tenures} gaps={gaps.map(({ gap }) => gap)} now={now} />
    </Part>
  );
}

function Ranges({ shown, onChange }: { shown: Range; onChange: (range: Range) => void }) {
  return (
    <fieldset class="ranges">
      <legend class="sr">Time shown</legend>
      {(Object.keys(ranges) as Range[]).map((range) => (
        <button key={range} type="button" aria-pressed={range === shown} onClick={() => onChange(range)}>
          {range}
        </button>
      ))}
    </fieldset>
  );
}

function Availability({ tenures, from, now }: { tenures: readonly Tenure[]; from: number; now: number }) {
  const { percent, gaps, gapMs, longest } = availabilityOf(tenures, { since: from, now });
  if (percent === undefined) return null;
  return (
    <p class="availability">
      <b>{percentText(percent)}</b> led{' '}
      <span class="dim">
        {gaps === 0
          ? 'without a gap'
          : `· ${gaps} ${gaps === 1 ? 'gap' : 'gaps'}, ${span(gapMs)} in all${longest ? `, the longest ${span(longest.ms)}` : ''}`}
      </span>
    </p>
  );
}

/** Never rounded up to a hundred. */
function percentText(percent: number): string {
  if (percent === 100) return '100 %';
  return `${(Math.floor(percent * 100) / 100).toFixed(2)} %`;
}

const wideEnough = 7;
/** Further to the right the text of a tick would be cut. */
const roomForTick = 94;

function GapMark({ bar: { gap, left, width }, onChoose }: { bar: GapBar; onChoose: () => void }) {
  const text = span(gap.ms);
  return (
    <button
      type="button"
      class="gap"
      style={{ left: `${left}%`, width: `max(3px, ${width}%)` }}
      onClick={onChoose}
      aria-label={`No leader for ${text}`}
      title={`no leader for ${text}`}
    >
      {width > wideEnough && text}
    </button>
  );
}

function TermMark({
  bar: { tenure, left, width, isRunning },
  now,
  onChoose,
}: {
  bar: Bar;
  now: number;
  onChoose: () => void;
}) {
  const { version, contenderId, confirmedAt, endedAt, endReason } = tenure;
  const length = span((endedAt ?? now) - confirmedAt);
  const label = `Version ${version} of ${contenderId}, ${length}, ${isRunning ? 'runs' : (endReason ?? 'ended')}`;
  return (
    <button
      type="button"
      class={`term ${isRunning ? 'running' : (endReason ?? '')}`}
      style={{ left: `${left}%`, width: `max(4px, ${width}%)` }}
      onClick={onChoose}
      title={label}
    >
      <span class="sr">{label}</span>
      {width > wideEnough && (
        <span aria-hidden="true">
          {version}
          {width > wideEnough * 2 && <small>{isRunning ? length : `${length} · ${endReason ?? ''}`}</small>}
        </span>
      )}
    </button>
  );
}

interface DetailProps {
  chosen: Chosen | undefined;
  tenures: readonly Tenure[];
  gaps: readonly Gap[];
  now: number;
}

/** The term or the gap that was chosen, or the newest that ended. */
function Detail({ chosen, tenures, gaps, now }: DetailProps) {
  const gap = chosen?.kind === 'gap' ? gaps.find(({ before }) => before?.version === chosen.after) : undefined;
  const wanted = chosen?.kind === 'term' ? chosen.version : undefined;
  const term =
    tenures.find(({ version }) => version === wanted) ?? tenures.findLast(({ endedAt }) => endedAt !== undefined);
  if (gap) {
    const { because, evidence } = causeOf(gap, now);
    return (
      <Told
        title={`No leader for ${span(gap.ms)} from ${clock(gap.from, now)}`}
        because={because}
        evidence={evidence}
      />
    );
  }
  if (!term) return null;
  const { because, evidence } = endOf(term, now);
  const until = term.endedAt === undefined ? 'now' : clock(term.endedAt, now);
  const title = `Version ${term.version} of ${term.contenderId}, ${clock(term.confirmedAt, now)} to ${until}`;
  return <Told title={title} because={because} evidence={evidence} />;
}

function Told({ title, because, evidence }: { title: string; because: string; evidence: readonly string[] }) {
  return (
    <div class="term-detail" role="status">
      <p>
        <b>{title}</b>: {because}.
      </p>
      {evidence.length > 0 && (
        <ul>
          {evidence.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
