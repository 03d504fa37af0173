import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const project = join(import.meta.dirname, '..');
const width = 120;

interface Exported {
  readonly name: string;
  readonly isType: boolean;
  readonly doc: string;
  readonly source: string;
  readonly at: number;
}

/** docs/reference.md: everything that the packages export, from its docstrings. */
export function libraryPage(): string {
  const entries = [
    ['tenure', 'client/index.ts'],
    ['tenure/fence', 'client/fence/index.ts'],
    ['tenure-cdk', 'infra/index.ts'],
  ] as const;
  const parts = entries.map(([name, entry]) => `## ${name}\n\n${sections(exportsOf(entry))}`);
  return `# Reference of the library

Everything that \`tenure\`, \`tenure/fence\` and \`tenure-cdk\` export, from the docstrings, where editors show it too. [The
client library](client.md) is the page to begin with. The page is written by \`npm run openapi\`.

${parts.join('\n')}`;
}

function sections(exported: readonly Exported[]): string {
  const values = exported.filter(({ isType }) => !isType).map(sectionOf);
  const types = exported
    .filter(({ isType }) => isType)
    .map(({ name, doc }) => `| \`${name}\` | ${firstSentence(doc)} |`);
  const table = types.length > 0 ? `### Types\n\n| type | is |\n|---|---|\n${types.join('\n')}\n` : '';
  return `${values.join('\n')}\n${table}`.trimStart();
}

function sectionOf({ name, doc, source, at }: Exported): string {
  const [text = '', ...examples] = doc.split(/^@example\n/m);
  const methods = methodsIn(source, at).map(([method, does]) => `| \`${method}\` | ${does} |`);
  const table = methods.length > 0 ? `| member | does |\n|---|---|\n${methods.join('\n')}\n` : '';
  return [`### ${name}\n`, paragraphs(text), ...examples.map((example) => `${example.trim()}\n`), table]
    .filter((part) => part.trim() !== '')
    .join('\n');
}

/** The names that an entry exports again, each with the docstring of its declaration. */
function exportsOf(entry: string): Exported[] {
  const text = readFileSync(join(project, entry), 'utf8');
  const found = [...text.matchAll(/export (type )?\{([^}]*)\} from '([^']+)'/g)].flatMap(
    ([, allTypes, names = '', path = '']) => {
      const source = readFileSync(join(project, dirname(entry), path), 'utf8');
      const listed = names.split(',').map((name) => name.trim());
      return listed.filter(Boolean).map((one) => {
        const [, isType, declared = '', , shown = declared] = /^(type )?(\w+)( as (\w+))?$/.exec(one) ?? [];
        const at = source.search(
          new RegExp(`export (?:abstract )?(?:async )?(?:class|function\\*?|const|interface|type) ${declared}\\b`),
        );
        const type = Boolean(allTypes ?? isType);
        return { name: shown, isType: type, doc: docstringBefore(source, at), source, at };
      });
    },
  );
  return found.toSorted((one, other) => one.name.localeCompare(other.name));
}

function docstringBefore(source: string, at: number): string {
  const before = source.slice(0, Math.max(at, 0));
  const [, lines = ''] = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(before) ?? [];
  return lines
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, ''))
    .join('\n')
    .trim();
}

const member = /^ {2}(?:async )?(?:readonly |get |static )*\*?(?!constructor)([a-z]\w*)(\(|<|:|\?:| =)/gm;

/** The documented methods and properties of a class, up to its end. */
function methodsIn(source: string, at: number): [string, string][] {
  const body = /^export (?:abstract )?class /.test(source.slice(at)) ? (source.slice(at).split('\n}\n')[0] ?? '') : '';
  return [...body.matchAll(member)].flatMap(({ 1: name = '', 2: next, index }) => {
    const does = firstSentence(docstringBefore(body, index));
    const isMethod = next === '(' || next === '<';
    return does === '' ? [] : [[isMethod ? `${name}()` : name, does] as [string, string]];
  });
}

function firstSentence(doc: string): string {
  const text = (doc.split(/^@/m)[0] ?? '').replaceAll(/\s+/g, ' ').trim();
  return (/^.*?[.:](?=\s|$)/.exec(text)?.[0] ?? text).replaceAll('|', '\\|');
}

/** Prose in the width of the other pages; tags become paragraphs of their own. */
function paragraphs(text: string): string {
  const tagged = text
    .replaceAll(/^@throws /gm, '\n**Throws** ')
    .replaceAll(/^@defaultValue /gm, '\n**Default:** ')
    .replaceAll(/^@returns /gm, '\n**Returns** ');
  return tagged
    .split(/\n\s*\n/)
    .map((paragraph) => (/^\s*[-|`]|^ {2,}/m.test(paragraph) ? paragraph.trim() : wrapped(paragraph)))
    .filter(Boolean)
    .map((paragraph) => `${paragraph}\n`)
    .join('\n');
}

function wrapped(paragraph: string): string {
  const lines: string[] = [];
  for (const word of paragraph.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
