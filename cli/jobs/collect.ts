import type { Command } from 'commander';
import type * as z from 'zod/mini';
import { collectOrphans } from '../../api/operations/checkpoints.ts';
import { connect, withConnection, withGroup } from '../connection.ts';
import { bytes, duration, print, relative, table } from '../output.ts';
import type { Shell } from '../shell.ts';
import type { GroupOptions } from './terms.ts';

type Answer = z.output<typeof collectOrphans.answer>;

export function collectCommand(program: Command, shell: Shell): void {
  const command = program
    .command('collect')
    .description('delete the payloads of a group that nothing refers to; the service does so every hour');
  withConnection(withGroup(command, shell))
    .option('--dry-run', 'only say what would be deleted')
    .action((options: GroupOptions & { dryRun?: boolean }) => act(options, shell));
}

async function act(options: GroupOptions & { dryRun?: boolean }, shell: Shell): Promise<void> {
  const client = await connect(options, shell);
  const { group, dryRun = false } = options;
  const collected: Answer['collected'] = [];
  let page: Answer | undefined;
  let scanned = 0;
  let held = false;
  do {
    const cursor: string | undefined = page?.nextCursor;
    const body = { dryRun, ...(cursor !== undefined && { cursor }) };
    page = await client.call(collectOrphans, { params: { group }, body, timeoutMs: 29_000, deadlineMs: 120_000 });
    collected.push(...page.collected);
    scanned += page.scanned;
    held ||= page.held;
  } while (page.nextCursor !== undefined);
  const { graceMs } = page;
  print(shell, options, { group, dryRun, scanned, held, graceMs, collected }, () => {
    const total = bytes(collected.reduce((sum, one) => sum + one.bytes, 0));
    const rows = table(
      collected,
      [
        { title: 'PAYLOAD', of: ({ key }) => key },
        { title: 'SIZE', of: ({ bytes: size }) => bytes(size) },
        { title: 'WRITTEN', of: ({ modifiedAt }) => relative(modifiedAt) },
      ],
      `none of ${scanned} payloads is an orphan that is older than ${duration(graceMs)}`,
    );
    const done = dryRun ? 'would be deleted' : 'are deleted';
    const summary = collected.length > 0 ? [`${collected.length} of ${scanned} payloads (${total}) ${done}`] : [];
    const note = held ? ['a backup is in progress: its group is left alone until it has ended'] : [];
    return [rows, ...summary, ...note].join('\n');
  });
}
