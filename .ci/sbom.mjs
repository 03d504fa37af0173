#!/usr/bin/env node
/**
 * Writes the CycloneDX list of what a user of the package installs: .ci/sbom.mjs FILE
 * `npm sbom --omit dev` would leave out what both the package and a tool need, zod for instance.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const argv = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'library', '--package-lock-only'];
const whole = JSON.parse(
  execFileSync('npm', argv, { cwd: join(import.meta.dirname, '..'), maxBuffer: 64 * 1024 * 1024 }),
);
const isTool = ({ properties = [] }) => properties.some(({ name }) => name === 'cdx:npm:package:development');
const components = whole.components.filter((component) => !isTool(component));
const kept = new Set([whole.metadata.component['bom-ref'], ...components.map((component) => component['bom-ref'])]);
const dependencies = whole.dependencies
  .filter(({ ref }) => kept.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }));
writeFileSync(process.argv[2], `${JSON.stringify({ ...whole, components, dependencies }, undefined, 2)}\n`);
