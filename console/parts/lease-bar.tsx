/** The rest of a lease, running down between two answers of the API. */
import { useEffect, useRef } from 'preact/hooks';
import { now } from '../api.ts';

const calm = matchMedia('(prefers-reduced-motion: reduce)');
/** A row that flies past while the list scrolls needs no animation: hundreds of them cost the frames. */
const restMs = 150;

export function LeaseBar({ expiresAt, spanMs }: { expiresAt: number; spanMs: number }) {
  const bar = useRef<HTMLElement>(null);
  const isCalm = calm.matches;
  // Without motion it moves in steps, with the figures next to it.
  const step = isCalm ? Math.ceil((expiresAt - now()) / 1000) : expiresAt;
  useEffect(() => {
    const element = bar.current;
    if (!element) return undefined;
    const share = (left: number) => `scaleX(${Math.min(1, Math.max(0, left) / spanMs)})`;
    element.style.transform = share(expiresAt - now());
    if (isCalm) return undefined;
    let running: Animation | undefined;
    const timer = setTimeout(() => {
      const left = Math.max(0, expiresAt - now());
      const frames = [{ transform: share(left) }, { transform: 'scaleX(0)' }];
      running = element.animate(frames, { duration: Math.max(1, left), fill: 'forwards' });
    }, restMs);
    return () => {
      clearTimeout(timer);
      running?.cancel();
    };
  }, [step, expiresAt, spanMs, isCalm]);
  return (
    <span class="lease" aria-hidden="true">
      <i ref={bar} />
    </span>
  );
}

const spans = new Map<string, number>();
const mostSpans = 5_000;

/** How long a lease is, as the longest rest of this term that was seen: the API tells only when it ends. */
export function leaseSpan(sessionId: string, expiresAt: number): number {
  const span = Math.max(spans.get(sessionId) ?? 1_000, expiresAt - now());
  spans.set(sessionId, span);
  if (spans.size > mostSpans) spans.delete(spans.keys().next().value ?? '');
  return span;
}
