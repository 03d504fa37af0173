import { copyFileSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { BuildOptions } from 'esbuild';

const project = join(import.meta.dirname, '..');

/** Where the package has them ready-made. */
export const bundlesFolder = 'bundles';

/**
 * The code of a function from its entry below functions/, with all that it imports in one file, and copies of the project's files
 * `beside` it. Lambda finds it as `index`.
 */
export function functionCode(entry: string, beside: readonly string[] = []): Code {
  const readyMade = join(project, bundlesFolder, entry.replace(/\.ts$/, ''));
  if (existsSync(readyMade)) return Code.fromAsset(readyMade);
  return Code.fromAsset(join(project, 'functions'), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: notNeeded,
      // With the entry in it, functions with the same entry share one asset, and others do not.
      local: { entry, tryBundle: (folder: string) => bundle(entry, folder, beside) } as {
        tryBundle(folder: string): boolean;
      },
    },
  });
}

/** What the CDK would bundle in if there were no local way. */
const notNeeded = DockerImage.fromRegistry('none');

const standIn = (name: string) => join(project, 'functions', 'platform', 'stand-ins', `${name}.ts`);

/** How every bundle is made. */
export const bundleSettings: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minify: true,
  sourcemap: true,
  sourcesContent: false,
  mainFields: ['module', 'main'],
  alias: {
    '@aws-sdk/credential-provider-node': standIn('credential-provider-node'),
    '@smithy/core/event-streams': standIn('event-streams'),
  },
  // Packages in the old module format call require(), which an ES module does not have.
  banner: {
    js: "import{createRequire as tenureRequire}from'node:module';const require=tenureRequire(import.meta.url);",
  },
  logLevel: 'warning',
};

/** In this process: the CDK's own NodejsFunction starts npx for each entry, which takes longer than esbuild itself. */
export function bundle(entry: string, folder: string, beside: readonly string[] = []): true {
  // Only here: the package comes without esbuild.
  const { buildSync } = createRequire(import.meta.url)('esbuild') as { buildSync(options: BuildOptions): void };
  buildSync({
    ...bundleSettings,
    entryPoints: [join(project, 'functions', entry)],
    outfile: join(folder, 'index.mjs'),
    absWorkingDir: project,
  });
  for (const file of beside) copyFileSync(join(project, file), join(folder, basename(file)));
  return true;
}
