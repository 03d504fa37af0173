import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Group } from '../answers.ts';
import { count } from '../format.ts';
import type { Live } from '../known.ts';
import { useLive, useNow } from '../live.ts';
import { Frame, Refused } from '../parts/frame.tsx';
import { linkTo, type Route } from '../route.ts';
import { GroupTable } from './group-table.tsx';
import { groupsQuestion, healthQuestions } from './questions.ts';
import { arranged, type Row, readSort, toRow } from './rows.ts';

export function Overview({ route }: { route: Extract<Route, { kind: 'overview' }> }) {
  const [groups] = useState(groupsQuestion);
  const inSight = useRef<readonly string[]>([]);
  const live = useLive('', () => [groups, ...healthQuestions(inSight.current)]);
  const { value, problem } = live.get<readonly Group[]>('groups');
  const now = useNow();
  const rows = useMemo(() => (value ?? []).map((group) => toRow(group, now)), [value, now]);
  return (
    <Frame live={live}>
      <h1 class="sr">Groups</h1>
      {value === undefined && problem && <Refused problem={problem} action="execute-api:Invoke on GET /v1/groups" />}
      {value === undefined && !problem && <Loading />}
      {value?.length === 0 && <Empty />}
      {rows.length > 0 && (
        <>
          <Summary rows={rows} />
          <Groups rows={rows} live={live} now={now} route={route} onSight={(names) => (inSight.current = names)} />
        </>
      )}
    </Frame>
  );
}

function Loading() {
  return (
    <div class="skeleton" aria-label="Loading the groups" role="img">
      {[...Array(6).keys()].map((line) => (
        <i class="skeleton-line" key={line} />
      ))}
    </div>
  );
}

function Empty() {
  return (
    <section class="empty">
      <h2>No group yet</h2>
      <p>A group begins with its first contender. In a terminal:</p>
      <code class="command">npx tenure lead --group orders -- sleep 600</code>
      <p class="dim">It appears here within two seconds.</p>
    </section>
  );
}

function Summary({ rows }: { rows: readonly Row[] }) {
  const of = (status: Row['status']) => rows.filter((row) => row.status === status).length;
  const figures = [
    { name: rows.length === 1 ? 'group' : 'groups', value: rows.length, tone: '' },
    { name: 'led', value: of('led'), tone: 'good' },
    { name: 'getting ready', value: of('pending'), tone: of('pending') > 0 ? 'warn' : 'zero' },
    { name: 'without a leader', value: of('leaderless'), tone: of('leaderless') > 0 ? 'bad' : 'zero' },
  ];
  return (
    <dl class="figures">
      {figures.map(({ name, value, tone }) => (
        <div key={name} class={tone}>
          <dd>{count(value)}</dd>
          <dt>{name}</dt>
        </div>
      ))}
    </dl>
  );
}

interface GroupsProps {
  rows: readonly Row[];
  live: Live;
  now: number;
  route: Extract<Route, { kind: 'overview' }>;
  onSight: (groups: readonly string[]) => void;
}

function Groups({ rows, live, now, route, onSight }: GroupsProps) {
  const { filter } = route;
  const sort = readSort(route.sort);
  const shown = useMemo(() => arranged(rows, filter, sort), [rows, filter, sort]);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const go = (next: { filter?: string; sort?: string }) => {
    const link = linkTo({ kind: 'overview', filter, sort: route.sort, ...next });
    history.replaceState(null, '', link);
    dispatchEvent(new HashChangeEvent('hashchange'));
  };
  return (
    <>
      <div class="tools">
        <label class="search">
          <span class="sr">Filter by group, leader, address or standing</span>
          <input
            ref={field}
            type="search"
            placeholder="Filter by group, leader or address"
            value={filter}
            onInput={({ currentTarget }) => go({ filter: currentTarget.value })}
            onKeyDown={(event) => {
              if (event.key === 'Escape') go({ filter: '' });
              if (event.key === 'ArrowDown' || event.key === 'Enter') {
                event.preventDefault();
                document.querySelector<HTMLElement>('.rows a[tabindex="0"]')?.focus();
              }
            }}
          />
          <span class="key" aria-hidden="true">
            /
          </span>
        </label>
        <span class="dim tally" role="status">
          {shown.length === rows.length ? '' : `${count(shown.length)} of ${count(rows.length)}`}
        </span>
      </div>
      {shown.length === 0 ? (
        <p class="note">
          No group matches “{filter}”.{' '}
          <button type="button" class="link" onClick={() => go({ filter: '' })}>
            Clear the filter
          </button>
        </p>
      ) : (
        <GroupTable
          rows={shown}
          live={live}
          now={now}
          sort={sort}
          onSort={(next) => go({ sort: next })}
          onSight={onSight}
        />
      )}
    </>
  );
}
