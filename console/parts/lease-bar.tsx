/** What is left of a lease, running down between two answers of the API. */
import { useEffect, useRef } from 'preact/hooks';
import { now } from '../api.ts';

const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

export function LeaseBar({ expiresAt, spanMs }: { expiresAt: number; spanMs: number }) {
  const bar = useRef<HTMLElement>(null);
  const isCalm = calm();
  // Without motion it moves in steps, with the figures beside it.
  const step = isCalm ? Math.ceil((expiresAt - now()) / 1000) : expiresAt;
  useEffect(() => {
    const left = Math.max(0, expiresAt - now());
    const from = `scaleX(${Math.min(1, left / spanMs)})`;
    const frames = [{ transform: from }, { transform: isCalm ? from : 'scaleX(0)' }];
    const running = bar.current?.animate(frames, { duration: Math.max(1, left), fill: 'forwards' });
    return () => running?.cancel();
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
