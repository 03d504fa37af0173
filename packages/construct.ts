import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bundlesFolder } from '../infra/function-code.ts';
import { copyDeclarations, copyModules, writeForRequire, writeInnerManifest } from './compile.ts';
import { beginPackage } from './names.ts';

const entries = ['infra/index'];

/** `tenure-cdk`: the construct, and the functions as the bundles that it deploys. */
export function buildConstruct(compiled: string, functions: string): void {
  const folder = join(beginPackage('tenure-cdk'), 'dist');
  mkdirSync(folder);
  writeInnerManifest(folder);
  copyModules(compiled, folder, entries);
  copyDeclarations(compiled, folder, entries);
  writeForRequire(folder, 'tenure-cdk', entries);
  cpSync(functions, join(folder, bundlesFolder), { recursive: true });
}
