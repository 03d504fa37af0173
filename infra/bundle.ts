/** Makes the bundle of a function: its entry with all that it imports in one file. */
import { copyFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import type { BuildOptions, BuildResult } from 'esbuild';

const project = join(import.meta.dirname, '..');

const standIn = (name: string) => join(project, 'functions', 'platform', 'stand-ins', `${name}.ts`);

/** As any function would be bundled for Lambda. */
export const plainSettings = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minify: true,
  sourcemap: true,
  sourcesContent: false,
  mainFields: ['module', 'main'],
  // Packages in the old module format call require(), which an ES module does not have.
  banner: {
    js: "import{createRequire as tenureRequire}from'node:module';const require=tenureRequire(import.meta.url);",
  },
  logLevel: 'warning',
} as const satisfies BuildOptions;

const joining: BuildOptions = {
  ...plainSettings,
  minify: false,
  sourcemap: 'inline',
  banner: {},
  write: false,
  absWorkingDir: project,
  nodePaths: [join(project, 'node_modules')],
  alias: {
    '@aws-sdk/credential-provider-node': standIn('credential-provider-node'),
    '@aws-sdk/middleware-endpoint-discovery': standIn('endpoint-discovery'),
    '@smithy/core/event-streams': standIn('event-streams'),
  },
};

/** Bundles the entry below functions/ into the folder, with copies of the project's files in `beside` next to it. */
export function bundle(entry: string, folder: string, beside: readonly string[] = []): true {
  bundleFile(join(project, 'functions', entry), join(folder, 'index.mjs'));
  for (const file of beside) copyFileSync(join(project, file), join(folder, basename(file)));
  return true;
}

/** In this process: the CDK's own NodejsFunction starts npx for each entry, which takes longer than esbuild itself. */
export function bundleFile(entry: string, outfile: string): void {
  // Only here: the package comes without esbuild.
  const { buildSync } = createRequire(import.meta.url)('esbuild') as { buildSync(options: BuildOptions): BuildResult };
  const joined = buildSync({ ...joining, entryPoints: [entry], outfile });
  const contents = folded(joined.outputFiles?.[0]?.text ?? '');
  buildSync({ ...plainSettings, stdin: { contents, sourcefile: basename(entry), resolveDir: project }, outfile });
}

/**
 * Writes out what the SDK reads of constants, so that esbuild can tell what nothing uses: a schema with a computed key,
 * which is half of the client of S3, and of each package.json all but the version.
 */
function folded(code: string): string {
  const texts = constants(code, /^var (\w+) = ("[^"\n]*");$/gm);
  const versions = constants(code, /^var (package_default\d*) = \{\n.*?^ {2}version: ("[^"\n]*")/gms);
  return code
    .replace(/\[(_\w+)\](?=:)/g, (key, name: string) => texts.get(name) ?? key)
    .replace(/\b(package_default\d*)\.version\b/g, (version, name: string) => versions.get(name) ?? version);
}

function constants(code: string, pattern: RegExp): Map<string, string> {
  return new Map([...code.matchAll(pattern)].map(([, name = '', text = '']) => [name, text]));
}
