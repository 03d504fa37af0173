/** `npx tsx examples/word-count/generate.ts FILE [MEGABYTES [SEED]]` writes a text to count. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { generateText } from './text.ts';

const [path, megabytes = '64', seed = '1'] = process.argv.slice(2);
if (!path) throw new Error('Say where the text shall go: npx tsx examples/word-count/generate.ts FILE [MEGABYTES]');
await mkdir(dirname(path), { recursive: true });
await generateText(path, Number(megabytes) * 1_000_000, Number(seed));
console.log(`${path} has ${megabytes} MB of text`);
