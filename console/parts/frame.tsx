/** The bar at the top of each page: where one is, what is looked at, and how fresh it is. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Problem } from '../api.ts';
import { ticking } from '../format.ts';
import type { Live } from '../known.ts';
import { useNow } from '../live.ts';
import { linkTo } from '../route.ts';
import { toggleTheme } from '../theme.ts';

export function Frame({ live, crumb, children }: { live: Live; crumb?: string; children: ComponentChildren }) {
  const label = useLabel();
  useEffect(() => {
    document.title = crumb ? `${crumb} · Tenure` : 'Tenure';
  }, [crumb]);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the content
      </button>
      <header class="bar">
        <nav aria-label="Place" class="place">
          <a class="word" href={linkTo({ kind: 'overview', filter: '', sort: '' })}>
            <Mark />
            Tenure
          </a>
          {crumb && <span class="crumb">{crumb}</span>}
        </nav>
        <span class="label" title="The API that this page looks at">
          {label}
        </span>
        <Freshness live={live} />
        <button type="button" class="quiet icon-button" onClick={toggleTheme} aria-label="Switch dark and light">
          <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6" />
            <path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" fill="currentColor" />
          </svg>
        </button>
      </header>
      <Outage live={live} />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 18 18" width="18" height="18" aria-hidden="true">
      <path d="M2 4h14M2 9h9M2 14h5" stroke="var(--accent)" stroke-width="2.6" stroke-linecap="round" />
    </svg>
  );
}

const staleAfterMs = 6_000;

function Freshness({ live }: { live: Live }) {
  useNow();
  const { lastAnswerAt, outage } = live;
  if (lastAnswerAt === undefined) return <span class="fresh">{outage ? 'no answer' : 'connecting'}</span>;
  const age = Date.now() - lastAnswerAt;
  const isStale = outage !== undefined || age > staleAfterMs;
  return (
    <span class={isStale ? 'fresh stale' : 'fresh live'}>
      <i aria-hidden="true" />
      {isStale ? `last answer ${ticking(age)} ago` : 'live'}
    </span>
  );
}

const remedies: Readonly<Record<string, string>> = {
  console_gone: 'Start tenure console again; this page continues by itself.',
  locked: 'Open the address that tenure console printed.',
  unreachable: 'This page continues by itself once the API answers.',
};

function Outage({ live: { outage, lastAnswerAt } }: { live: Live }) {
  return (
    <div role="status" class="outage-place">
      {outage && (
        <div class="outage">
          <strong>{outage.code === 'locked' ? 'Locked' : 'No answer from the API'}</strong>
          <span>
            {outage.detail} {lastAnswerAt !== undefined && 'The page shows the last known state. '}
            {remedies[outage.code] ?? 'The page asks again every 2 s.'}
          </span>
        </div>
      )}
    </div>
  );
}

function useLabel(): string {
  const [label, setLabel] = useState('');
  useEffect(() => {
    fetch('about.json')
      .then((answer) => (answer.ok ? answer.json() : { label: location.host }))
      .then((about: { label: string }) => setLabel(about.label))
      .catch(() => setLabel(location.host));
  }, []);
  return label;
}

/** Why a part of the page has nothing to show. */
export function Refused({ problem, action }: { problem: Problem; action: string }) {
  if (problem.code === 'forbidden' || problem.status === 403) {
    return (
      <p class="note warn">
        No permission: your credentials lack <code>{action}</code>. See <em>permissions</em> in the documentation for
        the policy that grants it.
      </p>
    );
  }
  return (
    <p class="note warn">
      {problem.detail} <span class="dim">({problem.code})</span>
    </p>
  );
}
