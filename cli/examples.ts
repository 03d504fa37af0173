import type { Command } from 'commander';

/** The examples at the end of every help text, by the words of the command. A test hands each of them to the parser. */
const examples: Readonly<Record<string, readonly string[]>> = {
  tenure: [
    'tenure lead --group orders -- node worker.js',
    'tenure leader show --group orders',
    'tenure status --stack tenure-prod',
  ],
  lock: [
    'tenure lock migrations --wait 5m -- migrate -path ./sql up',
    'tenure lock nightly-report --no-wait -- ./report.sh --all',
  ],
  semaphore: [
    'tenure semaphore builds --permits 3 -- make image',
    'tenure semaphore builds --permits 3 --no-wait -- make',
  ],
  leader: ['tenure leader show --group orders', 'tenure leader watch --group orders'],
  'leader show': ['tenure leader show --group orders', 'tenure leader show --group orders --consistent --json'],
  'leader watch': ['tenure leader watch --group orders --every 500ms'],
  'leader terms': ['tenure leader terms --group orders --limit 5'],
  'leader revoke': [
    'tenure leader revoke --group orders --fencing-version 7 --reason "move to eu-west-1" --dry-run',
    'tenure leader revoke --group orders --fencing-version 7 --reason "host is gone" --force',
  ],
  group: ['tenure group delete --group orders --dry-run'],
  'group delete': ['tenure group delete --group orders --dry-run', 'tenure group delete --group orders --yes'],
  groups: ['tenure groups', 'tenure groups --stack tenure-prod --json'],
  table: ['tenure table create my-leases', 'tenure table policy my-leases --group orders'],
  'table create': ['tenure table create my-leases --region eu-west-1', 'tenure table create my-leases --dry-run'],
  'table policy': [
    'tenure table policy my-leases --group orders --region eu-west-1',
    "tenure table policy my-leases --group 'team-*' --lists > policy.json",
  ],
  job: ['tenure job submit nightly --group orders --graph graph.json', 'tenure job ls --group orders'],
  'job submit': [
    'tenure job submit nightly --group orders --graph graph.json --retain 3',
    'render-graph | tenure job submit nightly --group orders --graph -',
  ],
  'job ls': ['tenure job ls --group orders', 'tenure job ls --group orders --json'],
  'job show': ['tenure job show nightly --group orders'],
  'job finish': ['tenure job finish nightly --group orders --result succeeded --detail "1200 orders"'],
  checkpoint: [
    'tenure checkpoint add nightly state.bin --group orders',
    'tenure checkpoint get nightly --group orders --output state.bin',
  ],
  'checkpoint add': [
    'tenure checkpoint add nightly state.bin --group orders --metadata \'{"offset":412}\'',
    'tenure checkpoint add nightly state.bin --group orders --savepoint',
  ],
  'checkpoint latest': ['tenure checkpoint latest nightly --group orders'],
  'checkpoint ls': ['tenure checkpoint ls nightly --group orders'],
  'checkpoint get': [
    'tenure checkpoint get nightly --group orders --output state.bin',
    'tenure checkpoint get nightly 7 --group orders > state.bin',
  ],
  'checkpoint discard': [
    'tenure checkpoint discard nightly --group orders --all',
    'tenure checkpoint discard nightly --group orders --savepoint 7',
  ],
  recover: ['tenure recover --group orders --to ./jobs', 'tenure recover --group orders --on-damaged fallback'],
  collect: ['tenure collect --group orders --dry-run'],
  log: ['tenure log create events --group orders', 'tenure log read events --group orders'],
  'log create': ['tenure log create events --group orders'],
  'log append': [
    "printf 'paid\\nshipped\\n' | tenure log append events --group orders",
    'tail -f app.log | tenure log append events --group orders --batch 16',
  ],
  'log read': [
    'tenure log read events --group orders',
    'tenure log read events --group orders --from 10 --to 20 --json',
  ],
  'log tail': ['tenure log tail events --group orders --from 100'],
  'log truncate': ['tenure log truncate events 100 --group orders'],
  'log status': ['tenure log status events --group orders'],
  'log ls': ['tenure log ls --group orders'],
  'log init': ['tenure log init events --group orders'],
  'log recover': ['tenure log recover events --group orders --replica 2 --wait 1m'],
  backup: ['tenure backup create --group orders', 'tenure backup ls --group orders'],
  'backup create': [
    'tenure backup create --group orders --bypass-delegation',
    'tenure backup create --group orders --explain',
  ],
  'backup ls': ['tenure backup ls --group orders --limit 5'],
  'backup show': ['tenure backup show 01a20f24-f7ec-74ce-94b9-b3f4937f4e51 --group orders'],
  'backup cancel': ['tenure backup cancel 01a20f24-f7ec-74ce-94b9-b3f4937f4e51 --group orders'],
  'backup rm': ['tenure backup rm 01a20f24-f7ec-74ce-94b9-b3f4937f4e51 --group orders'],
  'backup share': ['tenure backup share 01a20f24-f7ec-74ce-94b9-b3f4937f4e51 --group orders --with orders-copy'],
  'backup download': ['tenure backup download 01a20f24-f7ec-74ce-94b9-b3f4937f4e51 ./backup --group orders'],
  'backup policy': [
    'tenure backup policy --group orders --daily-at 03:00 --retain 7',
    'tenure backup policy --group orders --off',
  ],
  'backup verify': ['tenure backup verify ./backup'],
  restore: ['tenure restore --group orders-copy --backup 01a20f24-f7ec-74ce-94b9-b3f4937f4e51'],
  'restore start': [
    'tenure restore --group orders-copy --backup 01a20f24-f7ec-74ce-94b9-b3f4937f4e51',
    'tenure restore --group orders-copy --dir ./backup',
  ],
  'restore show': ['tenure restore show 01a20f24-f7ec-74ce-94b9-b3f4937f4e51 --group orders-copy'],
  'restore abandon': ['tenure restore abandon 01a20f24-f7ec-74ce-94b9-b3f4937f4e51 --group orders-copy'],
  worker: ['tenure worker run --group orders --local-dir /var/backups', 'tenure worker ls --group orders'],
  'worker run': [
    'tenure worker run --group orders --local-dir /var/backups',
    "tenure worker run --group orders --on-suspend './pause.sh' --snapshot './dump.sh' --on-resume './continue.sh'",
  ],
  'worker ls': ['tenure worker ls --group orders'],
  events: ['tenure events tail', 'tenure events tail --stack tenure-prod --since 1h'],
  'events tail': ['tenure events tail --group orders', 'tenure events tail --stack tenure-prod --since 1h --no-follow'],
  status: ['tenure status', 'tenure status --stack tenure-prod --json'],
  console: ['tenure console', 'tenure console --stack tenure-prod --no-open'],
  explain: ['tenure explain orders --since 6h', 'tenure explain orders --why nobody-leads'],
  init: ['tenure init', 'tenure init --folder infra'],
  doctor: ['tenure doctor', 'tenure doctor --stack tenure-prod --region eu-west-1'],
  completion: ['source <(tenure completion bash)', 'tenure completion fish | source'],
};

/** How arguments and the values of options look in an example that nobody has written. */
const samples: Readonly<Record<string, string>> = {
  log: 'events',
  job: 'nightly',
  group: 'orders',
  replica: '2',
  id: '01a20f24-f7ec-74ce-94b9-b3f4937f4e51',
  folder: './backup',
};

/** Adds them to a command and all below it; those of `lead` stand in its own help. */
export function addExamples(command: Command, path: readonly string[] = []): void {
  const own =
    command.name() === 'lead' ? undefined : (examples[path.join(' ') || command.name()] ?? plainest(command, path));
  if (own) command.addHelpText('after', `\nExamples:\n${own.map((line) => `  ${line}`).join('\n')}`);
  for (const subcommand of command.commands) addExamples(subcommand, [...path, subcommand.name()]);
}

/** The command with nothing but what it needs; for one that only has subcommands, the first of them. */
function plainest(command: Command, path: readonly string[]): string[] {
  const [first] = command.commands;
  if (first) return plainest(first, [...path, first.name()]);
  const sample = (name: string) => samples[name] ?? name.toUpperCase();
  const words = command.registeredArguments.filter(({ required }) => required).map((one) => sample(one.name()));
  const options = command.options
    .filter(({ mandatory, long }) => mandatory || long === '--group')
    .map(({ long, argChoices }) => `${long} ${argChoices?.[0] ?? sample(String(long).slice(2))}`);
  return [['tenure', ...path, ...words, ...options].join(' ')];
}
