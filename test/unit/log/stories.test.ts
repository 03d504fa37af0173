/**
 * Stories of the log: a command, `----`, and every message that follows. TENURE_REWRITE=1 writes them anew; the
 * difference is what a review looks at.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Story } from '../../support/log/story.ts';

const folder = join(import.meta.dirname, '../../../log/testdata');
const rewrite = process.env['TENURE_REWRITE'] === '1';
const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));

/** The story with what follows each command. Lines that begin with # are for readers. */
async function played(text: string): Promise<string> {
  const story = new Story();
  const blocks = text.trim().split(/\n{2,}/);
  const written: string[] = [];
  for (const block of blocks) {
    const lines = block.split('\n');
    const comments = lines.filter((line) => line.startsWith('#'));
    const command = lines.find((line) => !line.startsWith('#'));
    if (command === undefined) written.push(comments.join('\n'));
    else written.push([...comments, command, '----', ...(await story.tell(command))].join('\n'));
  }
  return `${written.join('\n\n')}\n`;
}

test.each(files)('%s', async (file) => {
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  const now = await played(text);
  if (rewrite) writeFileSync(path, now);
  else expect(now).toBe(text);
});

test('there are at least ten stories, each with messages', () => {
  expect(files.length).toBeGreaterThanOrEqual(10);
  for (const file of files) expect(readFileSync(join(folder, file), 'utf8')).toContain(' ⇒ ');
});
