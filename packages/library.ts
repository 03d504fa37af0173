import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { isDirect, joinCommand } from './command.ts';
import { copyDeclarations, writeForRequire } from './compile.ts';
import { beginPackage, project } from './names.ts';
import { writeNotices } from './notices.ts';
import { SchemaLibrary } from './schema-library.ts';
import { versionOnly } from './version-only.ts';

const entries = ['client/index', 'client/fence/index'];

/** By themselves, since package.json puts one in the other's place in a browser. */
const alternatives = ['client/aws', 'client/stand-ins/aws'];

/** The part of the library that the command uses: an entry that exists in the package alone. */
const forCommand = 'client/command';

/** `tenure`: the library and the command with its page. */
export async function buildLibrary(compiled: string): Promise<void> {
  const folder = beginPackage('tenure');
  const dist = join(folder, 'dist');
  mkdirSync(dist);
  const { used, page } = await joinCommand(join(dist, 'cli'), `${forCommand}.js`);
  writeNotices(folder, [...page, ...(await joinLibrary(dist, used))]);
  copyDeclarations(compiled, dist, [...entries, 'client/browser']);
  writeForRequire(dist, 'tenure', entries);
  SchemaLibrary.declare(join(dist, 'cjs'));
  mkdirSync(join(folder, 'cli'));
  for (const file of ['tenure', 'tenure.mjs']) cpSync(join(project, 'cli', file), join(folder, 'cli', file));
}

/**
 * The library in a few files: Node takes longer to find and load a hundred small ones than to run them. Names inside it
 * are shortened: written out they take a tenth of the package. Returns the files of zod that became part of it.
 */
async function joinLibrary(dist: string, used: readonly string[]): Promise<string[]> {
  const options = {
    entryPoints: [...entries, 'client/browser', ...alternatives, ...used.filter(isDirect), forCommand].map(
      (entry) => `${entry}.ts`,
    ),
    absWorkingDir: project,
    outbase: project,
    outdir: dist,
    chunkNames: 'client/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    plugins: [entryOf(used.filter((module) => !isDirect(module))), versionOnly],
    platform: 'node',
    target: 'node20',
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'error',
    // Of two exports with one name the command would get neither.
    logOverride: { 'ambiguous-reexport': 'error' },
  } satisfies BuildOptions;
  const schemas = new SchemaLibrary();
  // Only as long as names are written out does a file show what it uses of zod.
  const { outputFiles } = await build({ ...options, write: false });
  for (const { text } of outputFiles) schemas.use(text);
  const { metafile } = await build({ ...options, minifyIdentifiers: true, metafile: true });
  for (const output of Object.keys(metafile.outputs)) {
    const file = join(project, output);
    writeFileSync(file, schemas.nextTo(relative(dist, file), readFileSync(file, 'utf8')));
  }
  return schemas.write(dist);
}

/** The entry for the command: all exports of the modules that it uses. */
function entryOf(modules: readonly string[]): Plugin {
  const path = join(project, `${forCommand}.ts`);
  const contents = modules
    .map((module) => `export * from ${JSON.stringify(join(project, `${module}.ts`))};`)
    .join('\n');
  return {
    name: 'entry-of-the-command',
    setup({ onLoad, onResolve }) {
      const filter = new RegExp(`^${forCommand}\\.ts$`);
      onResolve({ filter }, () => ({ path, namespace: 'command' }));
      onLoad({ filter: /.*/, namespace: 'command' }, () => ({ contents, resolveDir: dirname(path), loader: 'ts' }));
    },
  };
}
