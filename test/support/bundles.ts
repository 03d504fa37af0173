import { Deployment } from '../../emulator/cloudformation/assembly/deployment.ts';
import { readAssembly } from '../../emulator/cloudformation/assembly/read.ts';
import { synthesise } from '../../emulator/cloudformation/assembly/synthesise.ts';
import { functionsOf } from '../../emulator/lambda/environment.ts';
import { project, synthCache } from './stack.ts';

export interface Bundle {
  /** Of the first function that runs it. */
  name: string;
  file: string;
  /** The environment that it reads when loaded. */
  environment: Record<string, string>;
}

/** The bundles of the synthesised template, each once. */
export async function bundlesOf(): Promise<Bundle[]> {
  const { folder } = await synthesise(project, 'infra/app.ts', synthCache, () => {});
  const nowhere = 'http://127.0.0.1:1';
  const functions = functionsOf(new Deployment(await readAssembly(folder)), {
    endpoints: { dynamodb: nowhere, s3: nowhere, stepFunctions: nowhere },
    access: { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } },
    services: nowhere,
    logFolder: folder,
    localise: (text) => text,
  });
  const found = functions.map(({ name, file, environment }): Bundle => ({ name, file, environment }));
  return [...new Map(found.toReversed().map((bundle) => [bundle.file, bundle])).values()].toReversed();
}
