/** Explanations as text for people. */
import type { Entry } from '../../client/explain/entry.ts';
import type { Explanation } from '../../client/explain/explain.ts';
import type { Answer } from '../../client/explain/why.ts';
import { span, time } from '../../client/explain/words.ts';
import { plain } from '../output.ts';

export function explanationText({ group, from, to, availability, entries, unanswered }: Explanation): string {
  const now = Date.parse(to);
  const lines = [
    `${group} from ${time(Date.parse(from), now)} to ${time(now, now)} UTC`,
    availabilityText(availability, now),
    ...unanswered.map(({ asked, code, message }) => `not known: ${asked} (${code}: ${message})`),
    '',
    ...(entries.length === 0 ? ['nothing happened'] : entries.flatMap((entry) => entryLines(entry, now))),
  ];
  return lines.map(plain).join('\n');
}

function availabilityText({ percent, gaps, gapMs, longestGap }: Explanation['availability'], now: number): string {
  if (percent === undefined) return 'no term was confirmed';
  const led = `led ${percentText(percent)} of the time`;
  if (gaps === 0 || !longestGap) return `${led}, without a gap`;
  const longest = `the longest ${span(longestGap.ms)} from ${time(Date.parse(longestGap.from), now)}`;
  return `${led}; ${gaps} ${gaps === 1 ? 'gap' : 'gaps'} of ${span(gapMs)} in all, ${longest}: ${longestGap.because}`;
}

/** Never rounded up to a hundred. */
function percentText(percent: number): string {
  return percent === 100 ? '100 %' : `${(Math.floor(percent * 1000) / 1000).toFixed(3)} %`;
}

function entryLines({ at, text, because, evidence }: Entry, now: number): string[] {
  const first = `${time(Date.parse(at), now)}  ${text}${because ? `: ${because}` : ''}`;
  return [first, ...evidence.map((one) => `              - ${one}`)];
}

export function answerText({ answer, evidence, next }: Answer): string {
  const lines = [answer, ...evidence.map((one) => `- ${one}`), ...next.map((one) => `next: ${one}`)];
  return lines.map(plain).join('\n');
}
