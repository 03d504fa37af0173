import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };

export const project = join(import.meta.dirname, '..');
/** Where what is made lies: below the project, whose packages it finds there. */
export const dist = process.env['TENURE_DIST'] ?? join(project, 'dist');
export const packageNames = ['tenure', 'tenure-cdk', 'tenure-local'] as const;
export type PackageName = (typeof packageNames)[number];

/** Begins the folder of a package with what every package has; returns it. */
export function beginPackage(name: PackageName): string {
  const folder = join(dist, name);
  mkdirSync(folder, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, name, 'package.json'), 'utf8'));
  const { version } = packageJson;
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ ...manifest, version }, undefined, 2)}\n`);
  cpSync(join(import.meta.dirname, name, 'README.md'), join(folder, 'README.md'));
  for (const file of ['LICENSE', 'CHANGELOG.md']) cpSync(join(project, file), join(folder, file));
  return folder;
}
