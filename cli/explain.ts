import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { type Question, questions } from '../client/explain/why.ts';
import { type ConnectionOptions, connect, withConnection } from './connection.ts';
import { durationOption } from './duration.ts';
import { checkedName } from './names.ts';
import { refuseNeverLed } from './never-led.ts';
import { print } from './output.ts';
import type { Shell } from './shell.ts';

interface ExplainOptions extends ConnectionOptions {
  since: number;
  why?: Question;
  log?: string;
  replica?: string;
  job?: string;
  fencingVersion?: number;
  data: string;
}

export function explainCommand(program: Command, shell: Shell): void {
  const command = program
    .command('explain')
    .description('what happened to a group, and why: terms, gaps, checkpoints, logs and backups on one time line')
    .addArgument(new Argument('<group>', 'the group'))
    .addOption(durationOption('--since <duration>', 'how far back', '1h'))
    .addOption(new Option('--why <question>', 'one answer instead of the time line').choices(questions))
    .option('--log <name>', 'the log that --why no-vote is about')
    .option('--replica <id>', 'the replica that --why no-vote is about')
    .option('--job <id>', 'the job that --why refused is about')
    .option(
      '--fencing-version <n>',
      'the version that the refused write carried (default: the newest refusal)',
      version,
    )
    .option('--data <folder>', 'that of npm start, whose events are read where no --stack is given', '.tenure');
  withConnection(command).action((group: string, options: ExplainOptions) => run(group, options, shell));
}

async function run(name: string, options: ExplainOptions, shell: Shell): Promise<void> {
  const group = checkedName('GROUP', name);
  const [{ explain }, { why }, { gather }, text, { eventsHere }] = await Promise.all([
    import('../client/explain/explain.ts'),
    import('../client/explain/why.ts'),
    import('./explain/gather.ts'),
    import('./explain/print.ts'),
    import('./events/events-here.ts'),
  ]);
  const client = await connect(options, shell);
  const facts = await gather(client, group, options.since, await eventsHere(options, shell));
  if (facts.leadership?.fencingVersion === 0 && !facts.leadership.restoring) refuseNeverLed(group);
  if (options.why) {
    const { log, replica, job, fencingVersion } = options;
    return print(shell, options, why(options.why, facts, { log, replica, job, fencingVersion }), text.answerText);
  }
  print(shell, options, explain(facts), text.explanationText);
}

function version(text: string): number {
  if (!/^[1-9]\d{0,11}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}
