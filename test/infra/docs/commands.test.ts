import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { programFor, runCli } from '../../../cli/main.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { consoleBlock } from '../../support/docs/console.ts';
import { allPages, blocksOf, readPage } from '../../support/docs/markdown.ts';
import { readings } from '../../support/docs/readings.ts';
import { recordedShell } from '../../support/shell.ts';
import { newApp } from '../cdk/synthesised.ts';

const languages = ['console', 'sh', 'ts', 'sql', 'json', 'yaml', 'hcl', 'python', 'text'];
/** In a drawing it would go untested; with options in brackets it is a synopsis. */
const commandLike = /^(\$ |npx |npm |tenure )[^[]*$/;
const blocks = allPages().flatMap((page) => blocksOf(readPage(page)).map((block) => ({ page, ...block })));
const where = ({ page, at }: { page: string; at: number }) => `${page}:${at}`;

/**
 * Commands that are not typed by test/end-to-end/docs, since they need an AWS account or are checks themselves. A block
 * with a file's name is run by the test of the recipes.
 */
const shown = blocks
  .filter(({ language, words }) => language === 'sh' && !words.some((word) => word.startsWith('file=')))
  .flatMap((block) =>
    block.lines
      .join('\n')
      .replaceAll('\\\n', '')
      .split('\n')
      .map((line) => ({ ...block, command: line.replace(/\s+#.*$/, '').trim() })),
  )
  .filter(({ command }) => command !== '' && !command.startsWith('#'));

test('a block says what it is', () => {
  expect(blocks.filter(({ language }) => !languages.includes(language)).map(where)).toEqual([]);
  const drawings = blocks.filter(({ language }) => language === 'text');
  expect(drawings.filter(({ lines }) => lines.some((line) => commandLike.test(line))).map(where)).toEqual([]);
});

test('every command with an output is typed by a reader', () => {
  const read: readonly string[] = Object.values(readings).flat();
  const withCommands = blocks.filter((block) => consoleBlock(block)).map(({ page }) => page);
  expect([...new Set(withCommands)].filter((page) => !read.includes(page))).toEqual([]);
});

// Most of them wait until a service that does not answer is given up.
describe.concurrent('a command that is only shown', () => {
  const kinds = [
    { kind: /^npx cdk (bootstrap|synth|deploy|destroy)\b/, check: synthesises },
    { kind: /^npm (start|test|run [\w:]+)\b/, check: isScript },
    { kind: /^npx tenure (console|table )|^npx tenure .*--table /, check: isParsed },
    { kind: /^(TENURE_\w+=\S+ )+npx tenure /, check: isParsed },
    { kind: /^npx tenure /, check: isUnderstood },
    { kind: /^([A-Z_]+=\S+ )?npx tsx examples\//, check: isThere },
    // A distribution of Flink is not to be had here; the suite of integrations/flink starts the same parts from jars.
    { kind: /^(mvn -q -f integrations\/flink\/pom.xml|cp|cat|kill|\$FLINK_HOME\/bin\/) ?/, check: async () => {} },
    {
      kind: /^(npm ci|npm install|git clone|cd|aws|curl|export|stack\(\)|dist\/cloudformation\/deploy.sh) ?/,
      check: async () => {},
    },
  ];

  test.each(shown)('$page:$at $command', async ({ command }) => {
    const found = kinds.find(({ kind }) => kind.test(command));
    expect(found, `${command} can be run: write it into a console block, with its output`).toBeDefined();
    await found?.check(command);
  });
});

/** With exactly these settings. */
async function synthesises(command: string): Promise<void> {
  const options = [...command.matchAll(/ -c (\w+)=(\S+)/g)].map(([, name, value]) => [name, value]);
  const { stack } = newApp(Object.fromEntries(options));
  expect(Template.fromStack(stack as Stack).toJSON()).toHaveProperty('Outputs.ApiUrl');
  expect(command.replaceAll(/ -c \w+=\S+/g, '')).toMatch(/^npx cdk \w+$/);
}

async function isThere(command: string): Promise<void> {
  expect(readPage(command.split(' ').find((word) => word.startsWith('examples/')) ?? '')).not.toBe('');
}

async function isScript(command: string): Promise<void> {
  const name = command.startsWith('npm run ') ? command.split(' ')[2] : command.split(' ')[1];
  expect(Object.keys(packageJson.scripts)).toContain(name);
}

/** Nobody answers there, which is another exit code than that of a command line that is wrong. */
async function isUnderstood(command: string): Promise<void> {
  const [own = '', ...run] = command.replace(/ --stack \S+/, '').split(' -- ');
  const argv = [
    ...own.split(' ').slice(2),
    '--url',
    'http://127.0.0.1:1',
    ...(run.length > 0 ? ['--', ...run.flatMap((words) => words.split(' '))] : []),
  ];
  const { shell, both } = recordedShell({ PATH: process.env['PATH'] ?? '' });
  expect(await runCli(argv, shell), both()).toBe(69);
}

/**
 * In direct mode a command needs a table in an account, and the console its built page: here they are only parsed, with
 * every option that they have.
 */
async function isParsed(command: string): Promise<void> {
  const { shell } = recordedShell();
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const program = programFor(shell, (message) => expect.fail(message));
  const act = (one: Command): void =>
    void (one.commands.length === 0 ? one.action(() => {}) : one.commands.forEach(act));
  act(program);
  await program.parseAsync(words.slice(words.indexOf('tenure') + 1), { from: 'user' });
}
