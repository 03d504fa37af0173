/** The parser's complaints about a command line, in the words of the other errors: what was typed, and what may be. */
const rewordings: readonly (readonly [RegExp, string])[] = [
  [/^option '(?:-\w, )?(--[\w-]+)[^']*' argument '(.*?)' is invalid\. (.*)$/s, '$1 is "$2": $3'],
  [/^command-argument value '(.*?)' is invalid for argument '(.*?)'\. (.*)$/s, '<$2> is "$1": $3'],
  [/^option '(?:-\w, )?(--[\w-]+) ([^']*)' argument missing$/, '$1 needs a value, $2'],
  [/^required option '(?:-\w, )?(--[\w-]+) ([^']*)' not specified$/, '$1 $2 is missing'],
  [/^missing required argument '(.*)'$/, '<$1> is missing'],
];

export function usageInWords(text: string): string {
  const plain = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ');
  const [pattern, words] = rewordings.find(([one]) => one.test(plain)) ?? [];
  const said = pattern && words !== undefined ? plain.replace(pattern, words) : plain;
  return said.replace(/: Allowed choices are (.*?)\.$/, (_, choices: string) => `: give ${oneOf(choices.split(', '))}`);
}

function oneOf(choices: readonly string[]): string {
  return [choices.slice(0, -1).join(', '), choices.at(-1)].filter(Boolean).join(' or ');
}
