#!/usr/bin/env node
/**
 * Writes where the files of a release come from, as an in-toto statement with SLSA provenance: .ci/provenance.mjs
 * STATEMENT FILE… It is not signed: the identity that publishes the release signs it.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const project = join(import.meta.dirname, '..');
const [statement, ...files] = process.argv.slice(2);
const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
const git = (...argv) => execFileSync('git', argv, { cwd: project, encoding: 'utf8' }).trim();
const { name, version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID } = process.env;
const run = GITHUB_RUN_ID && `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;

const provenance = {
  buildDefinition: {
    buildType: 'urn:tenure:release:v1',
    externalParameters: { package: name, version, tag: `v${version}` },
    internalParameters: { node: process.versions.node },
    resolvedDependencies: [
      { name: 'source', digest: { gitCommit: git('rev-parse', 'HEAD') } },
      { name: 'package-lock.json', digest: { sha256: sha256(join(project, 'package-lock.json')) } },
    ],
  },
  runDetails: { builder: { id: run ?? 'urn:tenure:workstation' }, metadata: { finishedOn: new Date().toISOString() } },
};
const subject = files.map((file) => ({ name: basename(file), digest: { sha256: sha256(file) } }));
const whole = {
  _type: 'https://in-toto.io/Statement/v1',
  subject,
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: provenance,
};
writeFileSync(statement, `${JSON.stringify(whole, undefined, 2)}\n`);
