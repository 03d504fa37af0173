import { Argument, type Command, type Option } from 'commander';
import type { Shell } from './shell.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

/** Words that can follow a command: its subcommands and its options. */
interface Place {
  /** The words that lead here, such as `leader show`; empty for `tenure` itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly Option[];
}

export function completionCommand(program: Command, shell: Shell): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in your shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .action((name: (typeof shells)[number]) => {
      const places = placesOf(program, []);
      const script = { bash: bashScript, zsh: zshScript, fish: fishScript }[name];
      shell.out(script(places));
    });
}

function placesOf(command: Command, path: readonly string[]): Place[] {
  const commands = command.commands.map((one) => ({ name: one.name(), description: one.description() }));
  const options = command.createHelp().visibleOptions(command);
  const place = { path: path.join(' '), commands, options };
  return [place, ...command.commands.flatMap((one) => placesOf(one, [...path, one.name()]))];
}

function flagsOf({ short, long }: Option): string[] {
  return [long, short].filter((flag) => flag !== undefined && flag !== null);
}

const takesValue = ({ required, optional }: Option) => required || optional;

/** Quotes for all three shells. */
const quoted = (text: string) => `'${text.replaceAll("'", '’')}'`;

/** The lines of a `case` that follow the words typed so far to the place they lead to. */
function steps(places: readonly Place[]): string {
  const known = places.filter(({ path }) => path !== '').map(({ path }) => `' ${path}'`);
  return `case "$at $word" in ${known.join('|')}) at="$at $word" ;; esac`;
}

function valueOptions(places: readonly Place[]): string {
  const flags = places.flatMap(({ options }) => options.filter(takesValue).flatMap(flagsOf));
  return [...new Set(flags)].join('|');
}

function bashScript(places: readonly Place[]): string {
  const cases = places.map(({ path, commands, options }) => {
    const words = [...commands.map(({ name }) => name), ...options.flatMap(flagsOf)];
    return `    '${path && ` ${path}`}') words=${quoted(words.join(' '))} ;;`;
  });
  return `# tenure in bash: source <(tenure completion bash)
_tenure() {
  local current=\${COMP_WORDS[COMP_CWORD]} at= words= word
  COMPREPLY=()
  case \${COMP_WORDS[COMP_CWORD-1]} in ${valueOptions(places)}) return ;; esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    ${steps(places)}
  done
  case $at in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _tenure tenure`;
}

function zshScript(places: readonly Place[]): string {
  const cases = places.map(({ path, commands, options }) => {
    const described = [
      ...commands.map(({ name, description }) => `${name}:${description}`),
      ...options.flatMap((option) => flagsOf(option).map((flag) => `${flag}:${option.description}`)),
    ];
    return `    ('${path && ` ${path}`}') items=(${described.map(quoted).join(' ')}) ;;`;
  });
  return `#compdef tenure
# tenure in zsh: source <(tenure completion zsh), after compinit
_tenure() {
  local at= word
  local -a items
  case \${words[CURRENT-1]} in ${valueOptions(places)}) _files; return ;; esac
  for word in \${words[2,CURRENT-1]}; do
    ${steps(places)}
  done
  case $at in
${cases.join('\n')}
  esac
  _describe tenure items || _files
}
compdef _tenure tenure`;
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const here = `complete -c tenure -n ${quoted(`test "$(__tenure_at)" = "${path && ` ${path}`}"`)}`;
    return [
      ...commands.map(({ name, description }) => `${here} -f -a ${name} -d ${quoted(description)}`),
      ...options.map((option) => {
        const { short, long, description } = option;
        const flags = `${long ? ` -l ${long.slice(2)}` : ''}${short ? ` -s ${short.slice(1)}` : ''}`;
        return `${here}${flags}${takesValue(option) ? ' -r' : ''} -d ${quoted(description)}`;
      }),
    ];
  });
  return `# tenure in fish: tenure completion fish | source
function __tenure_at
  set -l at ""
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${places
        .filter(({ path }) => path !== '')
        .map(({ path }) => quoted(` ${path}`))
        .join(' ')}
        set at "$at $word"
    end
  end
  echo $at
end
${lines.join('\n')}`;
}
