import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { project } from './names.ts';

const file = 'THIRD-PARTY-NOTICES.txt';

/** Writes the licences of the packages that these files, which became part of a package, come from. */
export function writeNotices(folder: string, inputs: readonly string[]): void {
  const found = inputs.map((input) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]);
  const packages = [...new Set(found.filter((one) => one !== undefined))].sort();
  const intro = 'This package contains parts of the following packages, under their licences.\n';
  writeFileSync(join(folder, file), [intro, ...packages.map(notice)].join(`\n${'-'.repeat(80)}\n\n`));
}

function notice(folder: string): string {
  const place = join(project, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
  const text = readdirSync(place).find((entry) => /^licen[cs]e/i.test(entry));
  if (!text) throw new Error(`${folder} has no file with its licence: add what its notice should say`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(place, text), 'utf8').trimEnd()}\n`;
}
