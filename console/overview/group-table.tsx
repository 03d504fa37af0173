/** The groups as a table of which only the rows in sight exist. */

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Backup, Log } from '../answers.ts';
import { brief } from '../format.ts';
import { keptName, type Live } from '../known.ts';
import { LeaseBar, leaseSpan } from '../parts/lease-bar.tsx';
import { memo } from '../parts/memo.ts';
import { linkTo } from '../route.ts';
import { backupsHealth, type Health, logsHealth, type Row, type Sort } from './rows.ts';
import { scrollTo, type Window, windowOf } from './window.ts';

interface TableProps {
  rows: readonly Row[];
  live: Live;
  now: number;
  sort: Sort;
  onSort: (sort: Sort) => void;
  onSight: (groups: readonly string[]) => void;
}

export function GroupTable({ rows, live, now, sort, onSort, onSight }: TableProps) {
  const { box, seen, rowHeight, reveal } = useWindow(rows.length);
  const [activeGroup, setActive] = useState<string>();
  const found = rows.findIndex(({ group }) => group === activeGroup);
  const active = Math.max(0, found);
  const hasFocus = useRef(false);
  useEffect(() => onSight(rows.slice(seen.first, seen.end).map(({ group }) => group)));
  useLayoutEffect(() => {
    if (hasFocus.current) box.current?.querySelector<HTMLElement>('a[tabindex="0"]')?.focus({ preventScroll: true });
  }, [active, box]);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = steps(seen)[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = Math.min(rows.length - 1, Math.max(0, active + step));
    hasFocus.current = true;
    reveal(next);
    setActive(rows[next]?.group);
  };
  const indexes = [...new Set([...range(seen), active])].filter((index) => index < rows.length);
  return (
    <div class="groups" role="table" aria-label="Groups" aria-rowcount={rows.length + 1}>
      <Heads sort={sort} onSort={onSort} />
      <div
        class="rows"
        ref={box}
        role="rowgroup"
        onKeyDown={onKeyDown}
        onFocusIn={() => {
          hasFocus.current = true;
        }}
        onFocusOut={() => {
          hasFocus.current = false;
        }}
      >
        <div class="space" role="presentation" style={{ height: `${rows.length * rowHeight}px` }}>
          {indexes.map((index) => {
            const row = rows[index];
            if (!row) return null;
            const { logs, backups } = healthOf(live, row.group, now);
            return (
              <GroupRow
                key={row.group}
                row={row}
                index={index}
                top={index * rowHeight}
                isActive={index === active}
                led={brief(now - row.confirmedAt)}
                left={brief(row.expiresAt - now)}
                logsTone={logs?.tone}
                logsText={logs?.text}
                backupsTone={backups?.tone}
                backupsText={backups?.text}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

function range({ first, end }: Window): number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, at) => first + at);
}

function steps({ first, end }: Window): Readonly<Record<string, number>> {
  const page = Math.max(1, end - first - 14);
  const all = Number.MAX_SAFE_INTEGER;
  return { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -all, End: all };
}

const narrow = '(max-width: 719px)';

/** Follows the scrolling of the box, once a frame. */
function useWindow(count: number) {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ scrollTop: 0, height: 800, rowHeight: 48 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    let frame = 0;
    const read = () => {
      frame = 0;
      const rowHeight = matchMedia(narrow).matches ? 96 : 48;
      setPlace({ scrollTop: element.scrollTop, height: element.clientHeight, rowHeight });
    };
    const soon = () => {
      frame ||= requestAnimationFrame(read);
    };
    read();
    element.addEventListener('scroll', soon, { passive: true });
    const resized = new ResizeObserver(soon);
    resized.observe(element);
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener('scroll', soon);
      resized.disconnect();
    };
  }, []);
  const { scrollTop, height, rowHeight } = place;
  const reveal = (row: number) => {
    const element = box.current;
    if (element) element.scrollTop = scrollTo(row, rowHeight, element.scrollTop, element.clientHeight);
  };
  return { box, rowHeight, reveal, seen: windowOf(count, rowHeight, scrollTop, height) };
}

function healthOf(live: Live, group: string, now: number) {
  const logs = live.get<readonly Log[]>(keptName(group, 'logs'));
  const backups = live.get<readonly Backup[]>(keptName(group, 'backups'));
  const denied: Health = { tone: 'none', text: 'no permission' };
  return {
    logs: logs.value ? logsHealth(logs.value) : logs.problem && denied,
    backups: backups.value ? backupsHealth(backups.value, now, brief) : backups.problem && denied,
  };
}

const columns: readonly { readonly title: string; readonly sort?: Sort; readonly cell: string }[] = [
  { title: 'Group', sort: 'name', cell: 'c-group' },
  { title: 'Leader', sort: 'leader', cell: 'c-leader' },
  { title: 'Version', sort: 'version', cell: 'c-version' },
  { title: 'Leading for', sort: 'newest', cell: 'c-for' },
  { title: 'Lease left', sort: 'trouble', cell: 'c-lease' },
  { title: 'Logs', cell: 'c-logs' },
  { title: 'Backup', cell: 'c-backups' },
];

function Heads({ sort, onSort }: { sort: Sort; onSort: (sort: Sort) => void }) {
  return (
    <div class="heads" role="rowgroup">
      <div class="head" role="row" aria-rowindex={1}>
        {columns.map(({ title, sort: own, cell }) => (
          <span key={title} class={cell} role="columnheader" aria-sort={own === sort ? 'ascending' : undefined}>
            {own ? (
              <button type="button" class="sort" onClick={() => onSort(own)}>
                {title}
                <i aria-hidden="true">{own === sort ? '↓' : ''}</i>
              </button>
            ) : (
              title
            )}
          </span>
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  row: Row;
  index: number;
  top: number;
  isActive: boolean;
  led: string;
  left: string;
  logsTone: Health['tone'] | undefined;
  logsText: string | undefined;
  backupsTone: Health['tone'] | undefined;
  backupsText: string | undefined;
}

const standings = { led: '', pending: 'getting ready', leaderless: 'no leader' } as const;

const GroupRow = memo(function GroupRow(props: RowProps) {
  const { row, index, top, isActive, led, left } = props;
  const { group, leader, status, fencingVersion, expiresAt } = row;
  return (
    <div
      class={`row ${status}`}
      role="row"
      aria-rowindex={index + 2}
      style={{ transform: `translateY(${top}px)` }}
      data-group={group}
    >
      <span class="c-group" role="cell">
        <i class="dot" aria-hidden="true" />
        <a href={linkTo({ kind: 'group', group, tab: 'now' })} tabIndex={isActive ? 0 : -1}>
          {group}
        </a>
      </span>
      <span class="c-leader" role="cell">
        {status === 'led' && leader ? (
          <>
            <b>{leader.contenderId}</b>
            <small>{leader.address}</small>
          </>
        ) : (
          <em>{standings[status]}</em>
        )}
      </span>
      <span class="c-version num" role="cell">
        {fencingVersion}
      </span>
      <span class="c-for num" role="cell">
        {status === 'led' ? led : '–'}
      </span>
      <span class="c-lease" role="cell">
        {status === 'led' && leader ? (
          <>
            <LeaseBar expiresAt={expiresAt} spanMs={leaseSpan(leader.sessionId, expiresAt)} />
            <span class="num">{left}</span>
          </>
        ) : (
          <span class="lease none" />
        )}
      </span>
      <HealthCell name="c-logs" tone={props.logsTone} text={props.logsText} />
      <HealthCell name="c-backups" tone={props.backupsTone} text={props.backupsText} />
    </div>
  );
});

function HealthCell({
  name,
  tone,
  text,
}: {
  name: string;
  tone: Health['tone'] | undefined;
  text: string | undefined;
}) {
  return (
    <span class={`${name} health ${tone ?? 'none'}`} role="cell">
      {text ?? '·'}
    </span>
  );
}
