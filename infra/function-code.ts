import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { bundle } from './bundle.ts';

const project = join(import.meta.dirname, '..');

/** Where the package has them ready-made. */
export const bundlesFolder = 'bundles';

/**
 * The code of a function from its entry below functions/, with all that it imports in one file, and copies of the
 * project's files in `beside` next to it. Lambda finds it as `index`.
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

/** The image that the CDK would use if local bundling failed. */
const notNeeded = DockerImage.fromRegistry('none');
