/**
 * `npm run definitions`, with each release: records the definitions of the state machines, by which executions that the
 * next version meets continue (`test/unit/entry-points/outputs.test.ts`).
 */
import { writeFileSync } from 'node:fs';
import { definitions } from '../infra/cdk/definitions.ts';

const file = new URL('../unit/entry-points/recorded-definitions.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(definitions(), null, 1)}\n`);
