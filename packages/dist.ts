/**
 * `npm run dist`: the packages of `npm run pack`, and what deploys Tenure without the CDK. In dist/cloudformation a
 * template with the zips of its functions, in dist/terraform a module around them.
 */
import './pack.ts';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cloudAssetFolders, zipped } from './assets.ts';
import { dist } from './names.ts';
import { synthesise } from './synthesised.ts';
import { plainTemplate, stageOfTemplate } from './template.ts';

// The logical ids have the name of the stack in them, so it is the same for all stages.
const assembly = await synthesise('tenure', { stage: stageOfTemplate });
const { template } = assembly.getStackByName('tenure');
const folder = join(dist, 'cloudformation');
cpSync(join(import.meta.dirname, 'cloudformation'), folder, { recursive: true });
writeFileSync(join(folder, 'template.json'), `${JSON.stringify(plainTemplate(template))}\n`);
for (const [key, source] of cloudAssetFolders(assembly.directory)) zipped(source, join(folder, 'assets', key));
rmSync(assembly.directory, { recursive: true });

const module = join(dist, 'terraform');
cpSync(join(import.meta.dirname, 'terraform'), module, { recursive: true });
for (const name of ['template.json', 'assets']) cpSync(join(folder, name), join(module, name), { recursive: true });
const { version } = JSON.parse(readFileSync(join(dist, 'tenure/package.json'), 'utf8'));
writeFileSync(join(folder, 'VERSION'), `${version}\n`);
writeFileSync(join(module, 'VERSION'), `${version}\n`);
console.log(`dist/cloudformation, dist/terraform: ${readdirSync(join(folder, 'assets')).length} assets`);
