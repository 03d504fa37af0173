import type { Command } from 'commander';
import { UsageError } from './exit.ts';
import { checkedGroups, checkedTable } from './names.ts';
import { fields, print } from './output.ts';
import type { Shell } from './shell.ts';

interface CreateOptions {
  region?: string;
  deletable?: boolean;
  replica?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

interface PolicyOptions {
  group: string[];
  lists?: boolean;
  replica?: boolean;
  region?: string;
}

const collect = (value: string, earlier: string[] = []) => [...earlier, value];

/** A table for direct mode: leases without an API. */
export function tableCommands(program: Command, shell: Shell): void {
  const command = program.command('table').description('a DynamoDB table of leases for direct mode, without the API');

  command
    .command('create')
    .description('create the table, with point-in-time recovery and protection against deletion')
    .argument('<name>', 'its name')
    .option('--region <region>', 'AWS Region (default: AWS_REGION, else that of the profile)')
    .option('--deletable', 'without protection against deletion')
    .option('--replica', 'for replicas of logs in place of leases: a log has 1, 3 or 5 such tables')
    .option('--dry-run', 'only print the input of CreateTable')
    .option('--json', 'print JSON instead of text for people')
    .action((name: string, options: CreateOptions) => create(checkedTable('The table', name), options, shell));

  command
    .command('policy')
    .description('print the least IAM policy of a contender')
    .argument('<table>', 'its name or ARN')
    .requiredOption('-g, --group <name>', 'a group that the caller may lead; team-* for several; repeatable', collect)
    .option('--lists', 'the caller may also list all groups with their leaders')
    .option('--replica', 'the table holds replicas of logs: for a process that writes or reads them')
    .option('--region <region>', 'AWS Region of the table (default: AWS_REGION, else any)')
    .action(async (table: string, { group, lists = false, replica = false, region }: PolicyOptions) => {
      const { replicaPolicy, tablePolicy } = await import('../client/direct/table-definition.ts');
      const tableArn = arnOf(table, region ?? shell.env['AWS_REGION'] ?? '*');
      const groups = checkedGroups(group);
      const policy = replica ? replicaPolicy({ tableArn, groups }) : tablePolicy({ tableArn, groups, lists });
      shell.out(JSON.stringify(policy, undefined, 2));
    });
}

async function create(name: string, options: CreateOptions, shell: Shell): Promise<void> {
  const { region, deletable = false, replica = false, dryRun = false } = options;
  if (dryRun) {
    const { replicaDefinition, tableDefinition } = await import('../client/direct/table-definition.ts');
    const input = { ...(replica ? replicaDefinition : tableDefinition)(name), DeletionProtectionEnabled: !deletable };
    shell.out(JSON.stringify(input, undefined, options.json ? undefined : 2));
    return;
  }
  const { createTable } = await import('../client/direct/create-table.ts');
  const arn = await createTable(name, { region, deletable, replica }).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'ResourceInUseException')
      throw new UsageError(
        `The table ${name} exists already: use it with ${replica ? 'TENURE_REPLICAS' : `--table ${name}`}, or choose another name.`,
      );
    throw error;
  });
  const next = replica ? `TENURE_REPLICAS=${name},…` : `tenure lead --table ${name} --group NAME -- command`;
  print(shell, options, { table: name, arn, deletionProtection: !deletable }, () =>
    fields({ table: name, arn, protection: deletable ? 'none' : 'against deletion', use: next }),
  );
}

const arnOf = (table: string, region: string) =>
  table.startsWith('arn:') ? table : `arn:aws:dynamodb:${region}:*:table/${checkedTable('The table', table)}`;
