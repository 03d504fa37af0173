import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

const syllables = ['ka', 'lo', 'mi', 'ne', 'ru', 'sa', 'ti', 'vo', 'be', 'du', 'fa', 'gi'];

/** Writes about so many bytes of text; the same seed makes the same text. */
export async function generateText(path: string, bytes: number, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const file = createWriteStream(path);
  let written = 0;
  while (written < bytes) {
    const line = `${Array.from({ length: 8 + Math.floor(random() * 8) }, () => word(random)).join(' ')}\n`;
    written += line.length;
    if (!file.write(line)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}

/** Short words are common, as in any language. */
function word(random: () => number): string {
  const length = 1 + Math.floor(random() ** 2 * 4);
  return Array.from({ length }, () => syllables[Math.floor(random() * syllables.length)]).join('');
}

/** A small generator of its own (mulberry32): Math.random takes no seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
