/** Events as they come, where the server keeps them; a page on a server that does not shows no such part. */
import { useEffect, useState } from 'preact/hooks';
import { clock } from '../format.ts';
import { Part } from '../parts/part.tsx';
import { eventText, type GroupEvent } from './event-text.ts';

const mostShown = 12;
/** For what is explained. */
const mostKept = 200;

export interface EventFeed {
  readonly events: readonly GroupEvent[];
  readonly isOpen: boolean;
}

export function Events({ feed: { events: all, isOpen }, now }: { feed: EventFeed; now: number }) {
  if (!isOpen) return null;
  const events = all.slice(0, mostShown);
  return (
    <Part
      name="events"
      title="Events"
      known={{ value: events }}
      empty={events.length === 0 && 'None within ten minutes.'}
    >
      <ol class="events">
        {events.map((event) => (
          <li key={event.id}>
            <time class="dim" dateTime={event.at}>
              {clock(event.at, now)}
            </time>
            <span>
              {event.type} <span class="dim">{eventText(event)}</span>
            </span>
          </li>
        ))}
      </ol>
    </Part>
  );
}

/** Newest first. A hidden page listens to nothing. */
export function useEvents(group: string): EventFeed {
  const [events, setEvents] = useState<readonly GroupEvent[]>([]);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    let source: EventSource | undefined;
    const listen = () => {
      source?.close();
      if (document.hidden) return;
      source = new EventSource(`events?group=${encodeURIComponent(group)}`);
      source.onopen = () => setOpen(true);
      source.onmessage = ({ data }) => {
        const event = JSON.parse(data as string) as GroupEvent;
        setEvents((known) => [event, ...known.filter(({ id }) => id !== event.id)].slice(0, mostKept));
      };
    };
    listen();
    document.addEventListener('visibilitychange', listen);
    return () => {
      source?.close();
      document.removeEventListener('visibilitychange', listen);
    };
  }, [group]);
  return { events, isOpen };
}
