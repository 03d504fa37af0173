import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { joinCommand } from './command.ts';
import { copyDeclarations, copyForRequire, copyModules, writeInnerManifest } from './compile.ts';
import { beginPackage, project } from './names.ts';
import { SchemaLibrary } from './schema-library.ts';

const entries = ['client/index', 'client/fence/index'];

/** `tenure`: the library, module by module, and the command with its page. */
export async function buildLibrary(compiled: string): Promise<void> {
  const folder = beginPackage('tenure');
  const dist = join(folder, 'dist');
  mkdirSync(dist);
  writeInnerManifest(dist);
  const shared = await joinCommand(join(dist, 'cli'));
  const schemas = new SchemaLibrary();
  const modules = [...entries, 'client/browser', 'client/stand-ins/aws', ...shared];
  copyModules(compiled, dist, modules, (code, file) => schemas.nextTo(file, code));
  schemas.write(dist);
  copyDeclarations(compiled, dist, [...entries, 'client/browser']);
  copyForRequire(compiled, dist, 'tenure', entries);
  mkdirSync(join(folder, 'cli'));
  for (const file of ['tenure', 'tenure.mjs']) cpSync(join(project, 'cli', file), join(folder, 'cli', file));
}
