/** The settings of all stages in one file, so that a deployment does not depend on the flags of one deployment. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from 'constructs';
import * as z from 'zod';
import { type Durability, durabilityOf, requireKept } from './durability.ts';
import { checkSettings, type GivenSettings, readSettings, type Settings, settingNames } from './settings.ts';

/** Written by `npx tenure init`, and by hand. */
export const configFile = 'tenure.config.json';
/** Written by each synthesis: what the stages were last deployed with. It belongs into version control. */
export const recordFile = 'tenure.deployed.json';

const config = z.strictObject({ stages: z.record(z.string(), z.looseObject({})) });
const record = z.record(
  z.string(),
  z.custom<Durability>((value) => typeof value === 'object' && value !== null),
);

/**
 * The settings of the stage that the context names (`-c stage=prod`; `dev` by default). From the folder's file when
 * there is one, which then is the only place for them; else from the context. Throws when the stage was deployed with
 * settings that its data depend on.
 */
export function readStage(folder: string, node: Node): Settings {
  const file = join(folder, configFile);
  if (!existsSync(file)) return readSettings(node);
  const flags = settingNames.filter((name) => name !== 'stage' && node.tryGetContext(name) !== undefined);
  if (flags.length > 0)
    throw new Error(`-c ${flags.join(' and -c ')}: ${configFile} has the settings of each stage; change them there`);
  const stage = String(node.tryGetContext('stage') ?? 'dev');
  const { stages } = parse(file, config);
  const given = stages[stage];
  if (!given) throw new Error(`${configFile} has no stage "${stage}"; it has ${Object.keys(stages).join(', ')}`);
  const settings = checkSettings({ ...given, stage } as GivenSettings);
  keepRecord(folder, settings, String(node.tryGetContext('accept') ?? '').split(','));
  return settings;
}

function keepRecord(folder: string, settings: Settings, accepted: readonly string[]): void {
  const file = join(folder, recordFile);
  const deployed = existsSync(file) ? parse(file, record) : {};
  const before = deployed[settings.stage];
  const now = durabilityOf(settings);
  if (before) requireKept(settings.stage, before, now, accepted);
  const text = `${JSON.stringify({ ...deployed, [settings.stage]: now }, null, 2)}\n`;
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}

function parse<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema> {
  const read = schema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (read.success) return read.data;
  const issues = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`${file} is not usable: ${issues.join('; ')}`);
}
