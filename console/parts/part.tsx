/** One part of a group's page, in each of its states. */
import type { ComponentChildren } from 'preact';
import type { Known } from '../known.ts';
import { Refused } from './frame.tsx';

interface PartProps {
  name: string;
  title: string;
  known: Known<unknown>;
  /** Said instead of the content when there is nothing. */
  empty: ComponentChildren | false;
  side?: ComponentChildren;
  children: ComponentChildren;
}

export function Part({ name, title, known, empty, side, children }: PartProps) {
  const isLoading = known.value === undefined && !known.problem;
  return (
    <section id={name} class={`part part-${name}`} aria-labelledby={`${name}-title`}>
      <header class="part-head">
        <h2 id={`${name}-title`}>{title}</h2>
        {side}
      </header>
      {known.problem && <Refused problem={known.problem} action={`the observer's GET …/${name}`} />}
      {isLoading && <span class="skeleton-line" role="img" aria-label={`Loading the ${name}`} />}
      {known.value !== undefined && (empty ? <p class="note">{empty}</p> : children)}
    </section>
  );
}
